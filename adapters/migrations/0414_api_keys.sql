-- API keys: what each opens, under the SHA-256 of the whole key. No secret can be had from here.
CREATE TABLE vault.api_key (
  tenant_id text NOT NULL, key_id text NOT NULL,
  handle text NOT NULL,  -- the part of a key that finds its row
  hash bytea NOT NULL,
  role text NOT NULL DEFAULT '', scopes text[] NOT NULL DEFAULT '{}',
  workspace_ids text[],  -- the only ones that the key may see; NULL: all of them
  test boolean NOT NULL DEFAULT false,
  created_by text NOT NULL, created_at timestamptz NOT NULL,
  expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz,
  PRIMARY KEY (tenant_id, key_id)
);
CREATE UNIQUE INDEX api_key_handle ON vault.api_key (handle);
ALTER TABLE vault.api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.api_key FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON vault.api_key USING (tenant_id = (SELECT app.tenant()))
  WITH CHECK (tenant_id = (SELECT app.tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.api_key TO pm_api, pm_worker;

-- The living key under a handle: asked before the tenant is known, once per request.
CREATE POLICY look_up ON vault.api_key FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION app.api_key_of(wanted_handle text)
RETURNS TABLE (tenant_id text, key_id text, hash bytea, role text, scopes text[], workspace_ids text[],
               test boolean, used_lately boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.tenant_id, k.key_id, k.hash, k.role, k.scopes, k.workspace_ids, k.test,
         coalesce(k.last_used_at > clock_timestamp() - interval '1 minute', false)
  FROM vault.api_key AS k
  WHERE k.handle = wanted_handle AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
$$;
REVOKE ALL ON FUNCTION app.api_key_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.api_key_of(text) TO pm_api;
