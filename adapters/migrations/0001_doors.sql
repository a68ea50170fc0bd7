-- Schemas, roles and the tenant door. Roles are the cluster's: another database may have made them.
CREATE SCHEMA IF NOT EXISTS app;       -- cursors, migrations, the tenant door
CREATE SCHEMA IF NOT EXISTS es;        -- the decision log of `eventsourcing`
CREATE SCHEMA IF NOT EXISTS vault;     -- what is personal, and what tenants wrote: under RLS
CREATE SCHEMA IF NOT EXISTS pipeline;  -- what is pending: ids and counts only
CREATE SCHEMA IF NOT EXISTS rm;        -- read models

DO $$
DECLARE wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['pm_api', 'pm_worker', 'pm_projector', 'pm_release', 'pm_dispatcher'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', wanted);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;  -- another database's migration made it meanwhile: advisory locks do not reach there
      END;
    END IF;
    IF NOT pg_has_role(wanted, 'MEMBER') THEN
      EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
    END IF;
  END LOOP;
END $$;

-- The tenant of the running transaction; NULL (and so no rows) when none is set.
CREATE FUNCTION app.tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.tenant_id', true), '');

-- Where each reader stands. It moves by compare-and-set in the transaction that writes the rows (I3).
CREATE TABLE app.cursor (
  reader      text NOT NULL,
  topic       text NOT NULL,
  part        int NOT NULL,
  next_offset bigint NOT NULL,
  last_pos    bigint NOT NULL DEFAULT -1,
  log_id      text NOT NULL,
  moved_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (reader, topic, part)
);

-- When a reader last stood at the end of everything it reads.
CREATE TABLE app.freshness (reader text PRIMARY KEY, caught_up_at timestamptz NOT NULL);

GRANT USAGE ON SCHEMA app, vault, pipeline, rm, es
  TO pm_api, pm_worker, pm_projector, pm_release, pm_dispatcher;
GRANT SELECT ON app.cursor, app.freshness TO pm_api, pm_worker, pm_release, pm_dispatcher;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.cursor, app.freshness TO pm_projector;
