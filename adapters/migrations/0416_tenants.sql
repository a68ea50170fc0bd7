-- What a tenant chose for itself.
CREATE TABLE vault.tenant_settings (
  tenant_id text PRIMARY KEY, time_zone text NOT NULL DEFAULT 'UTC'
);
ALTER TABLE vault.tenant_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.tenant_settings FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON vault.tenant_settings USING (tenant_id = (SELECT app.tenant()))
  WITH CHECK (tenant_id = (SELECT app.tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.tenant_settings TO pm_api, pm_worker;

-- All tenants, for who is bound to the platform itself: staff, and the operator's commands. Everyone
-- else gets no row.
CREATE INDEX label_of_tenant ON vault.label (id) WHERE kind = 'tenant';
CREATE INDEX label_of_tenant_name ON vault.label (label, id) WHERE kind = 'tenant';
CREATE POLICY look_up ON vault.label FOR SELECT TO CURRENT_USER USING (kind = 'tenant');
CREATE FUNCTION app.all_tenants(wanted_name text, after text, most int)
RETURNS TABLE (tenant_id text, name text, may_send boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT l.id, l.label, coalesce(t.may_send, true)
  FROM vault.label AS l LEFT JOIN pipeline.tenant AS t ON t.tenant_id = l.id
  WHERE app.tenant() = 'platform' AND l.kind = 'tenant' AND l.id > after
    AND (wanted_name = '' OR l.label = wanted_name)
  ORDER BY l.id LIMIT most
$$;
REVOKE ALL ON FUNCTION app.all_tenants(text, text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.all_tenants(text, text, int) TO pm_api, pm_worker;
