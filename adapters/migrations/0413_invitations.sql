-- Invitations into a tenant: to which address, under which hashed link.
CREATE TABLE vault.invitation (
  tenant_id text NOT NULL, invitation_id text NOT NULL,
  address text NOT NULL, address_key text NOT NULL,
  role text NOT NULL, workspace_ids text[],
  state text NOT NULL CHECK (state IN ('open', 'accepted', 'revoked')),
  token_hash bytea NOT NULL,  -- SHA-256: the link itself is in the mail alone
  invited_by text NOT NULL,
  created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
  user_id text,  -- who accepted it
  PRIMARY KEY (tenant_id, invitation_id)
);
CREATE UNIQUE INDEX invitation_link ON vault.invitation (token_hash);
-- One open invitation per address: inviting again sends the first one again.
CREATE UNIQUE INDEX invitation_open ON vault.invitation (tenant_id, address_key) WHERE state = 'open';
ALTER TABLE vault.invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.invitation FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON vault.invitation USING (tenant_id = (SELECT app.tenant()))
  WITH CHECK (tenant_id = (SELECT app.tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.invitation TO pm_api, pm_worker;

-- Which invitation a link opens: asked by a person who belongs to no tenant yet.
CREATE POLICY look_up ON vault.invitation FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION app.invitation_of(wanted_hash bytea)
RETURNS TABLE (tenant_id text, invitation_id text, address text, role text, workspace_ids text[],
               state text, invited_by text, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT i.tenant_id, i.invitation_id, i.address, i.role, i.workspace_ids, i.state, i.invited_by, i.expires_at
  FROM vault.invitation AS i WHERE i.token_hash = wanted_hash
$$;
REVOKE ALL ON FUNCTION app.invitation_of(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.invitation_of(bytea) TO pm_api;
