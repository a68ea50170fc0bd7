-- Read models: which version of each is looked at, how its tables are secured, what readers report.

-- Tables of version N are rm.<table>_v<N>; views rm.<table> show the active version.
CREATE TABLE app.read_model (
  name text NOT NULL, version int NOT NULL,
  state text NOT NULL CHECK (state IN ('building', 'active', 'old')),
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (name, version)
);
CREATE UNIQUE INDEX read_model_active ON app.read_model (name) WHERE state = 'active';
GRANT SELECT ON app.read_model TO pm_api, pm_worker, pm_projector;

-- A reader says each second what is left to read, also while it is behind.
ALTER TABLE app.freshness
  ADD COLUMN lag_records bigint NOT NULL DEFAULT 0,
  ADD COLUMN reported_at timestamptz NOT NULL DEFAULT clock_timestamp();

-- A read model's table: a tenant sees its own rows (I11), the projector writes those of all.
CREATE FUNCTION app.secure_read_model(wanted regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', wanted);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', wanted);
  EXECUTE format('CREATE POLICY own_rows ON %s TO pm_api'
                 ' USING (tenant_id = (SELECT app.tenant())) WITH CHECK (false)', wanted);
  EXECUTE format('CREATE POLICY all_rows_of_the_fold ON %s TO pm_projector'
                 ' USING (true) WITH CHECK (true)', wanted);
  EXECUTE format('GRANT SELECT ON %s TO pm_api', wanted);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO pm_projector', wanted);
END $$;
REVOKE ALL ON FUNCTION app.secure_read_model(regclass) FROM PUBLIC;

-- The state that a weight of domain/sending.py `rank` stands for; a test holds the two together.
CREATE FUNCTION rm.send_state(weight int) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE
    WHEN weight = 4000000 THEN 'accepted'
    WHEN weight = 3000000 THEN 'rejected'
    ELSE (ARRAY['waiting', 'cancelled', 'expired', 'suppressed', 'started', 'ambiguous', 'deferred'])[weight % 10]
  END;
