-- The API's manners: answers kept for repeated requests, and how much each caller may still ask.

-- The answer to a command under its caller's Idempotency-Key, for 7 days. `sealed` holds all of it:
-- answers show secrets once and addresses often. In `app`, so that no export carries it.
CREATE TABLE app.keyed_answer (
  tenant_id text NOT NULL, key text NOT NULL,
  request bytea NOT NULL,            -- digest of who asked for what: another request is refused
  holder text NOT NULL,              -- who works on it; another one takes over after the lease
  lease_until timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  sealed bytea,                      -- NULL: not answered yet
  PRIMARY KEY (tenant_id, key)
);
CREATE INDEX keyed_answer_expiry ON app.keyed_answer (expires_at);
ALTER TABLE app.keyed_answer ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.keyed_answer FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON app.keyed_answer USING (tenant_id = (SELECT app.tenant()))
  WITH CHECK (tenant_id = (SELECT app.tenant()));
CREATE POLICY expired ON app.keyed_answer TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON app.keyed_answer TO pm_api;
GRANT SELECT, DELETE ON app.keyed_answer TO pm_worker;

-- An erased contact may stand in any kept answer: all of its tenant go. A repeated command then runs
-- again, which decides nothing twice.
CREATE FUNCTION app.forget_answers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM app.keyed_answer WHERE tenant_id = NEW.tenant_id AND sealed IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER forget_answers AFTER UPDATE OF erased_at ON vault.contact FOR EACH ROW
  WHEN (NEW.erased_at IS NOT NULL AND OLD.erased_at IS NULL) EXECUTE FUNCTION app.forget_answers();

-- Generic cell rate algorithm (GCRA): one moment per subject says all. Nothing here outlives a crash,
-- and nobody misses it. `subject` is a digest of a key, a person or an IP.
CREATE UNLOGGED TABLE app.allowance (
  subject bytea PRIMARY KEY, arrives_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX allowance_idle ON app.allowance (arrives_at);

-- One more request of a subject, if its allowance bears it. `ahead_s`: how far it has used it up.
CREATE FUNCTION app.admit(p_subject bytea, p_each_s float8, p_burst_s float8)
RETURNS TABLE (admitted boolean, ahead_s float8)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE now_ timestamptz := clock_timestamp(); found_ timestamptz; each_ interval := make_interval(secs => p_each_s);
BEGIN
  INSERT INTO app.allowance AS a VALUES (p_subject, now_ + each_)
  ON CONFLICT (subject) DO UPDATE SET arrives_at = greatest(a.arrives_at, now_) + each_
    WHERE greatest(a.arrives_at, now_) + each_ <= now_ + make_interval(secs => p_burst_s)
  RETURNING a.arrives_at INTO found_;
  admitted := FOUND;
  IF NOT FOUND THEN
    SELECT a.arrives_at INTO found_ FROM app.allowance AS a WHERE a.subject = p_subject;
  END IF;
  ahead_s := greatest(extract(epoch FROM found_ - now_), 0);
  RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION app.admit(bytea, float8, float8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.admit(bytea, float8, float8) TO pm_api;

-- What no longer counts goes, of all tenants, a bounded part at a time; tells how much went.
CREATE FUNCTION app.forget_manners(p_most int) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH answers AS (
    DELETE FROM app.keyed_answer WHERE (tenant_id, key) IN (
      SELECT tenant_id, key FROM app.keyed_answer WHERE expires_at < clock_timestamp() LIMIT p_most)
    RETURNING 1
  ), allowances AS (
    DELETE FROM app.allowance WHERE subject IN (
      SELECT subject FROM app.allowance WHERE arrives_at < clock_timestamp() LIMIT p_most)
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM answers) + (SELECT count(*) FROM allowances)
$$;
REVOKE ALL ON FUNCTION app.forget_manners(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.forget_manners(int) TO pm_api;
