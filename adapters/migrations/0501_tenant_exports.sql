-- Archives of a tenant's whole data, made on request. The file lies in the data directory under the
-- export's id; what this table does not name is no export, and its file goes.
CREATE TABLE vault.tenant_export (
  tenant_id text NOT NULL, export_id text NOT NULL,
  state text NOT NULL DEFAULT 'queued'
    CHECK (state IN ('queued', 'running', 'done', 'failed', 'outdated')),
  actor text NOT NULL, created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
  phase text NOT NULL DEFAULT '',          -- the part of the archive that is being written
  rows_done bigint NOT NULL DEFAULT 0,     -- of all parts
  attempts int NOT NULL DEFAULT 0, failures int NOT NULL DEFAULT 0,
  made_at timestamptz, bytes bigint, told jsonb,  -- what its manifest says
  PRIMARY KEY (tenant_id, export_id)
);
ALTER TABLE vault.tenant_export ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.tenant_export FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON vault.tenant_export USING (tenant_id = (SELECT app.tenant()))
  WITH CHECK (tenant_id = (SELECT app.tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.tenant_export TO pm_api;
GRANT SELECT, UPDATE, DELETE ON vault.tenant_export TO pm_worker;
CREATE UNIQUE INDEX tenant_export_under_way ON vault.tenant_export (tenant_id)
  WHERE state IN ('queued', 'running');

-- Every export, of all tenants: for who makes them and tidies their files.
CREATE POLICY look_up ON vault.tenant_export FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION app.tenant_exports() RETURNS TABLE (tenant_id text, export_id text, state text, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT e.tenant_id, e.export_id, e.state, e.expires_at FROM vault.tenant_export AS e ORDER BY e.created_at
$$;
REVOKE ALL ON FUNCTION app.tenant_exports() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.tenant_exports() TO pm_api;

-- A file holds whom the vault held when it was begun. Once one of them is erased it is given out no
-- more, and one that is being written is begun again. The lock lets a file be begun only while no
-- erasure is under way: begin_tenant_export waits for those that are.
CREATE FUNCTION app.outdate_exports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtext('pm.erasing'), hashtext(NEW.tenant_id));
  UPDATE vault.tenant_export
  SET state = CASE state WHEN 'running' THEN 'queued' ELSE 'outdated' END
  WHERE tenant_id = NEW.tenant_id AND state IN ('running', 'done');
  RETURN NULL;
END $$;
CREATE TRIGGER outdate_exports AFTER UPDATE OF erased_at ON vault.contact FOR EACH ROW
  WHEN (NEW.erased_at IS NOT NULL AND OLD.erased_at IS NULL) EXECUTE FUNCTION app.outdate_exports();

-- Which migrations a database has is no secret: an archive tells it.
GRANT SELECT ON public.migration TO pm_api;
