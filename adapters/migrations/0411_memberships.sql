-- Who belongs to a tenant, with which role. Written by decisions of domain/membership.py: the row
-- first for what takes away, the event first for what grants. No row, or another state than active:
-- no access.
CREATE TABLE vault.membership (
  tenant_id text NOT NULL, user_id text NOT NULL,
  role text NOT NULL,     -- of domain/access.py ROLES
  state text NOT NULL CHECK (state IN ('active', 'disabled', 'removed')),
  workspace_ids text[],   -- the only ones that the person may see; NULL: all of them
  since timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX membership_of_user ON vault.membership (user_id, tenant_id);
ALTER TABLE vault.membership ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.membership FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON vault.membership USING (tenant_id = (SELECT app.tenant()))
  WITH CHECK (tenant_id = (SELECT app.tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.membership TO pm_api, pm_worker;

-- The tenants that a person may act in: asked at log-in, before a tenant is known. The owner, whose
-- rights the function has, may be no superuser, so it needs a policy of its own.
CREATE POLICY look_up ON vault.membership FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION app.memberships_of(wanted_user text)
RETURNS TABLE (tenant_id text, role text, workspace_ids text[], since timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.tenant_id, m.role, m.workspace_ids, m.since FROM vault.membership AS m
  WHERE m.user_id = wanted_user AND m.state = 'active' ORDER BY m.tenant_id
$$;
REVOKE ALL ON FUNCTION app.memberships_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.memberships_of(text) TO pm_api;
