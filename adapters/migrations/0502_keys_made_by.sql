-- Living keys that somebody made, of all tenants: for who is bound to the platform itself, and keeps a
-- person out of everything. Everyone else gets no row.
CREATE FUNCTION app.keys_made_by(p_actor text)
RETURNS TABLE (tenant_id text, key_id text, role text, scopes text[], created_at timestamptz, last_used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.tenant_id, k.key_id, k.role, k.scopes, k.created_at, k.last_used_at FROM vault.api_key AS k
  WHERE app.tenant() = 'platform' AND k.created_by = p_actor AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
  ORDER BY k.tenant_id, k.key_id
$$;
REVOKE ALL ON FUNCTION app.keys_made_by(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.keys_made_by(text) TO pm_api;
