-- Attempts, sessions and one-time tokens that no longer count go away with the next ones, a few at a
-- time: a table of addresses that once knocked would only grow.
CREATE INDEX attempt_by_age ON auth.attempt (at);
CREATE INDEX session_by_age ON auth.session (made_at);
CREATE INDEX one_time_by_age ON auth.one_time (expires_at);

CREATE FUNCTION auth.forget_some(p_now timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM auth.attempt WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM auth.attempt WHERE at < p_now - interval '1 day'
    ORDER BY at LIMIT 20 FOR UPDATE SKIP LOCKED));
  DELETE FROM auth.session WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM auth.session WHERE made_at < p_now - interval '1 day'
    ORDER BY made_at LIMIT 20 FOR UPDATE SKIP LOCKED));
  DELETE FROM auth.one_time WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM auth.one_time WHERE expires_at < p_now
    ORDER BY expires_at LIMIT 20 FOR UPDATE SKIP LOCKED)) $$;
REVOKE ALL ON FUNCTION auth.forget_some(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.forget_some(timestamptz) TO pm_api;
