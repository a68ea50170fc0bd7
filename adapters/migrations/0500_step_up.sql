-- When the person of a session last gave their password: at log-in, or once more since then. What is
-- dangerous asks for that not to be long ago.
ALTER TABLE auth.session ADD COLUMN proved_at timestamptz;  -- NULL: at log-in

DROP FUNCTION auth.session_of(bytea, timestamptz, float8, float8);
-- As in 0400, and when its person proved who they are.
CREATE FUNCTION auth.session_of(p_hash bytea, p_now timestamptz, p_idle_s float8, p_absolute_s float8)
RETURNS TABLE (session_id text, user_id text, verified_at timestamptz, proved_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE auth.session AS s SET seen_at = p_now
  WHERE s.token_hash = p_hash AND s.seen_at <= p_now - interval '1 minute'
    AND s.seen_at > p_now - make_interval(secs => p_idle_s)
    AND s.made_at > p_now - make_interval(secs => p_absolute_s);
  RETURN QUERY
  SELECT s.session_id, s.user_id, a.verified_at, coalesce(s.proved_at, s.made_at)
  FROM auth.session AS s JOIN auth.account AS a USING (user_id)
  WHERE s.token_hash = p_hash AND a.disabled_at IS NULL
    AND s.seen_at > p_now - make_interval(secs => p_idle_s)
    AND s.made_at > p_now - make_interval(secs => p_absolute_s);
END $$;
REVOKE ALL ON FUNCTION auth.session_of(bytea, timestamptz, float8, float8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.session_of(bytea, timestamptz, float8, float8) TO pm_api;

-- Its person gave the password once more; false: it ended meanwhile.
CREATE FUNCTION auth.prove_session(p_user text, p_session text, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE auth.session SET proved_at = p_now WHERE user_id = p_user AND session_id = p_session;
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION auth.prove_session(text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.prove_session(text, text, timestamptz) TO pm_api;
