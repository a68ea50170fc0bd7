-- What was begun and must end, whatever dies meanwhile: an erased contact whose event is not told
-- yet, a tenant to be destroyed once its window is over. A timer (streams/deleting.py) takes them up.
CREATE TABLE vault.duty (
  tenant_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('erasure', 'deletion')),
  subject text NOT NULL,  -- the contact's id, or the tenant's
  actor text NOT NULL, since timestamptz NOT NULL, due_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, kind, subject)
);
CREATE INDEX duty_due ON vault.duty (due_at);
ALTER TABLE vault.duty ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.duty FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON vault.duty USING (tenant_id = (SELECT app.tenant()))
  WITH CHECK (tenant_id = (SELECT app.tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.duty TO pm_api, pm_worker;

-- What is due, of all tenants, for the timer alone.
CREATE POLICY look_up ON vault.duty FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION app.duties_due(p_now timestamptz, p_most int)
RETURNS TABLE (tenant_id text, kind text, subject text, actor text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.tenant_id, d.kind, d.subject, d.actor FROM vault.duty AS d
  WHERE d.due_at <= p_now ORDER BY d.due_at, d.tenant_id, d.subject LIMIT p_most
$$;
REVOKE ALL ON FUNCTION app.duties_due(timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.duties_due(timestamptz, int) TO pm_worker;

-- Destroy up to `most` rows of the bound tenant, keys first; 0 once none is left but the duty itself.
-- Only while a deletion of it is due, so that no mistake elsewhere can destroy a tenant.
CREATE FUNCTION app.destroy_tenant_rows(p_now timestamptz, p_most int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  mine text := app.tenant();
  target record;
  gone bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM vault.duty AS d WHERE d.tenant_id = mine AND d.kind = 'deletion'
                 AND d.due_at <= p_now) THEN
    RAISE EXCEPTION 'no deletion of this tenant is due' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  FOR target IN
    SELECT c.oid::regclass AS name FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.oid <> 'vault.duty'::regclass
      AND (n.nspname = 'vault' OR n.nspname = 'es' AND c.relname <> 'decision_events')
      AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
                  AND NOT a.attisdropped)
    ORDER BY NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid
                         AND a.atttypid = 'bytea'::regtype AND NOT a.attisdropped), c.oid DESC
  LOOP
    EXECUTE format('DELETE FROM %s WHERE ctid = ANY (ARRAY('
                   'SELECT ctid FROM %s WHERE tenant_id = $1 LIMIT $2))', target.name, target.name)
      USING mine, p_most;
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone > 0 THEN RETURN gone; END IF;
  END LOOP;
  RETURN 0;
END $$;
REVOKE ALL ON FUNCTION app.destroy_tenant_rows(timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.destroy_tenant_rows(timestamptz, int) TO pm_worker;

-- Tenants that must not send although their history says that they may: one that is being imported.
-- Whatever is folded meanwhile, pipeline.tenant says no.
CREATE TABLE pipeline.held_tenant (
  tenant_id text PRIMARY KEY, reason text NOT NULL, since timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT ON pipeline.held_tenant TO pm_api, pm_worker, pm_projector, pm_release, pm_dispatcher;
CREATE FUNCTION pipeline.hold_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.may_send := NEW.may_send
    AND NOT EXISTS (SELECT FROM pipeline.held_tenant AS h WHERE h.tenant_id = NEW.tenant_id);
  RETURN NEW;
END $$;
CREATE TRIGGER held BEFORE INSERT OR UPDATE ON pipeline.tenant
  FOR EACH ROW EXECUTE FUNCTION pipeline.hold_tenant();
