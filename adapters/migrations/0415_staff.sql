-- Staff are the platform's people, apart from those of tenants. Their rows are seen only by who is
-- bound to the platform itself, which no tenant's caller ever is.
CREATE SCHEMA staff;
GRANT USAGE ON SCHEMA staff TO pm_api, pm_worker;
CREATE TABLE staff.member (
  staff_id text PRIMARY KEY, name text NOT NULL,
  role text NOT NULL,  -- of domain/access.py STAFF_ROLES
  active boolean NOT NULL DEFAULT true,
  handle text NOT NULL, hash bytea NOT NULL,  -- of the token: its finding part, SHA-256 of all
  since timestamptz NOT NULL, last_used_at timestamptz
);
CREATE UNIQUE INDEX member_handle ON staff.member (handle);
ALTER TABLE staff.member ENABLE ROW LEVEL SECURITY;
ALTER TABLE staff.member FORCE ROW LEVEL SECURITY;
CREATE POLICY the_platform ON staff.member USING ((SELECT app.tenant()) = 'platform')
  WITH CHECK ((SELECT app.tenant()) = 'platform');
GRANT SELECT, INSERT, UPDATE, DELETE ON staff.member TO pm_api, pm_worker;

CREATE POLICY look_up ON staff.member FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION app.staff_of(wanted_handle text) RETURNS TABLE (staff_id text, role text, hash bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.staff_id, m.role, m.hash FROM staff.member AS m WHERE m.handle = wanted_handle AND m.active
$$;
REVOKE ALL ON FUNCTION app.staff_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.staff_of(text) TO pm_api;
