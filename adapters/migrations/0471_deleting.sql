-- As in 0470, and what the API keeps for a tenant goes too: its kept answers are in `app`.
CREATE OR REPLACE FUNCTION app.destroy_tenant_rows(p_now timestamptz, p_most int) RETURNS bigint
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
      AND (n.nspname IN ('vault', 'app') OR n.nspname = 'es' AND c.relname <> 'decision_events')
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
