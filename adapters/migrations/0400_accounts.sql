-- People: accounts, sessions, one-time tokens, recovery codes, attempts. A person may belong to many
-- tenants, so no row here is a tenant's. No role is granted a table: pm_api calls functions that need
-- an id, an address or a token and answer about that person alone; none lists people.
CREATE SCHEMA auth;

CREATE TABLE auth.account (
  user_id text PRIMARY KEY,
  address text NOT NULL,
  address_key text NOT NULL UNIQUE,  -- normalised: what makes two addresses the same person's
  name text NOT NULL DEFAULT '',
  password_hash text NOT NULL,       -- argon2id, with its parameters
  created_at timestamptz NOT NULL,
  verified_at timestamptz,           -- when the address proved to be the person's
  disabled_at timestamptz,
  totp_seed bytea,                   -- sealed
  totp_since timestamptz,            -- NULL with a seed: begun, not confirmed
  totp_counter bigint NOT NULL DEFAULT -1  -- the last used one: each serves once (ASVS 6.5.1)
);
CREATE TABLE auth.session (
  token_hash bytea PRIMARY KEY,      -- SHA-256 of 256 random bits
  session_id text NOT NULL UNIQUE,
  user_id text NOT NULL REFERENCES auth.account ON DELETE CASCADE,
  made_at timestamptz NOT NULL, seen_at timestamptz NOT NULL,
  ip text NOT NULL, agent text NOT NULL
);
CREATE INDEX session_of_account ON auth.session (user_id);
CREATE TABLE auth.one_time (         -- a used token is deleted
  token_hash bytea PRIMARY KEY, purpose text NOT NULL, expires_at timestamptz NOT NULL,
  user_id text NOT NULL REFERENCES auth.account ON DELETE CASCADE
);
CREATE INDEX one_time_of_account ON auth.one_time (user_id, purpose);
CREATE TABLE auth.recovery_code (    -- a used code is deleted
  user_id text NOT NULL REFERENCES auth.account ON DELETE CASCADE, code_hash bytea NOT NULL,
  PRIMARY KEY (user_id, code_hash)
);
CREATE TABLE auth.attempt (
  kind text NOT NULL, subject text NOT NULL, at timestamptz NOT NULL, attempt_id text NOT NULL,
  PRIMARY KEY (kind, subject, at, attempt_id)
);
CREATE INDEX attempt_itself ON auth.attempt (attempt_id);

DO $$
DECLARE name text;
BEGIN  -- should a table ever be granted by mistake, its rows still are not seen
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'auth' LOOP
    EXECUTE format('ALTER TABLE auth.%I ENABLE ROW LEVEL SECURITY', name);
  END LOOP;
END $$;

-- ---- accounts

CREATE FUNCTION auth.register(p_user text, p_address text, p_key text, p_hash text, p_now timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN  -- false: somebody has the address
  INSERT INTO auth.account (user_id, address, address_key, password_hash, created_at)
  VALUES (p_user, p_address, p_key, p_hash, p_now) ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;

CREATE FUNCTION auth.account_of(p_user text) RETURNS SETOF auth.account
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM auth.account WHERE user_id = p_user $$;

CREATE FUNCTION auth.account_at(p_key text) RETURNS SETOF auth.account
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM auth.account WHERE address_key = p_key $$;

CREATE FUNCTION auth.rename(p_user text, p_name text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE auth.account SET name = p_name WHERE user_id = p_user $$;

CREATE FUNCTION auth.verify(p_user text, p_now timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE auth.account SET verified_at = coalesce(verified_at, p_now) WHERE user_id = p_user $$;

-- The same password under newer parameters; only if nobody set another meanwhile.
CREATE FUNCTION auth.rehash(p_user text, p_old text, p_new text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE auth.account SET password_hash = p_new WHERE user_id = p_user AND password_hash = p_old $$;

-- Another password ends every session and every way to reset it.
CREATE FUNCTION auth.set_password(p_user text, p_hash text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM auth.session WHERE user_id = p_user;
  DELETE FROM auth.one_time WHERE user_id = p_user AND purpose = 'reset';
  UPDATE auth.account SET password_hash = p_hash WHERE user_id = p_user $$;

CREATE FUNCTION auth.set_disabled(p_user text, p_at timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM auth.session WHERE user_id = p_user;
  DELETE FROM auth.one_time WHERE user_id = p_user AND purpose = 'reset';
  UPDATE auth.account SET disabled_at = p_at WHERE user_id = p_user $$;

-- ---- sessions

CREATE FUNCTION auth.open_session(p_hash bytea, p_session text, p_user text, p_ip text, p_agent text,
                                  p_now timestamptz, p_absolute_s float8) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN  -- false: the account was disabled meanwhile
  PERFORM FROM auth.account WHERE user_id = p_user AND disabled_at IS NULL FOR SHARE;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM auth.session
  WHERE user_id = p_user AND made_at <= p_now - make_interval(secs => p_absolute_s);
  INSERT INTO auth.session VALUES (p_hash, p_session, p_user, p_now, p_now, p_ip, p_agent);
  RETURN true;
END $$;

-- The living session of a token. It is written at most once a minute, so that asking stays cheap: a
-- session ends up to that much before its idle time is over, never after.
CREATE FUNCTION auth.session_of(p_hash bytea, p_now timestamptz, p_idle_s float8, p_absolute_s float8)
RETURNS TABLE (session_id text, user_id text, verified_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE auth.session AS s SET seen_at = p_now
  WHERE s.token_hash = p_hash AND s.seen_at <= p_now - interval '1 minute'
    AND s.seen_at > p_now - make_interval(secs => p_idle_s)
    AND s.made_at > p_now - make_interval(secs => p_absolute_s);
  RETURN QUERY
  SELECT s.session_id, s.user_id, a.verified_at
  FROM auth.session AS s JOIN auth.account AS a USING (user_id)
  WHERE s.token_hash = p_hash AND a.disabled_at IS NULL
    AND s.seen_at > p_now - make_interval(secs => p_idle_s)
    AND s.made_at > p_now - make_interval(secs => p_absolute_s);
END $$;

CREATE FUNCTION auth.sessions_of(p_user text, p_now timestamptz, p_idle_s float8, p_absolute_s float8)
RETURNS TABLE (session_id text, made_at timestamptz, seen_at timestamptz, ip text, agent text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.session_id, s.made_at, s.seen_at, s.ip, s.agent FROM auth.session AS s
  WHERE s.user_id = p_user AND s.seen_at > p_now - make_interval(secs => p_idle_s)
    AND s.made_at > p_now - make_interval(secs => p_absolute_s)
  ORDER BY s.made_at DESC, s.session_id $$;

CREATE FUNCTION auth.end_session(p_user text, p_session text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM auth.session WHERE user_id = p_user AND session_id = p_session;
  RETURN FOUND;
END $$;

CREATE FUNCTION auth.end_sessions(p_user text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM auth.session WHERE user_id = p_user $$;

-- ---- tokens that serve once

CREATE FUNCTION auth.keep_one_time(p_hash bytea, p_purpose text, p_user text, p_now timestamptz,
                                   p_expires timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM auth.one_time WHERE user_id = p_user AND expires_at <= p_now;
  INSERT INTO auth.one_time (token_hash, purpose, user_id, expires_at)
  VALUES (p_hash, p_purpose, p_user, p_expires) $$;

-- Whose it was; NULL for one that is unknown, used or too old. Others for the same purpose end too.
CREATE FUNCTION auth.take_one_time(p_hash bytea, p_purpose text, p_now timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_user text;
BEGIN
  DELETE FROM auth.one_time
  WHERE token_hash = p_hash AND purpose = p_purpose AND expires_at > p_now
  RETURNING user_id INTO found_user;
  DELETE FROM auth.one_time WHERE user_id = found_user AND purpose = p_purpose;
  RETURN found_user;
END $$;

-- ---- the second factor

CREATE FUNCTION auth.begin_totp(p_user text, p_seed bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN  -- false: it is on already
  UPDATE auth.account SET totp_seed = p_seed, totp_counter = -1
  WHERE user_id = p_user AND totp_since IS NULL;
  RETURN FOUND;
END $$;

-- Turn it on with the seed that the code was checked with, by the counter of that code.
CREATE FUNCTION auth.confirm_totp(p_user text, p_seed bytea, p_counter bigint, p_codes bytea[],
                                  p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE auth.account SET totp_since = p_now, totp_counter = p_counter
  WHERE user_id = p_user AND totp_since IS NULL AND totp_seed = p_seed;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM auth.session WHERE user_id = p_user;
  DELETE FROM auth.recovery_code WHERE user_id = p_user;
  INSERT INTO auth.recovery_code SELECT p_user, unnest(p_codes);
  RETURN true;
END $$;

CREATE FUNCTION auth.disable_totp(p_user text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM auth.session WHERE user_id = p_user;
  DELETE FROM auth.recovery_code WHERE user_id = p_user;
  UPDATE auth.account SET totp_seed = NULL, totp_since = NULL, totp_counter = -1
  WHERE user_id = p_user $$;

-- Whether this counter is still good; it is used up by asking.
CREATE FUNCTION auth.use_totp(p_user text, p_counter bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE auth.account SET totp_counter = p_counter
  WHERE user_id = p_user AND totp_since IS NOT NULL AND totp_counter < p_counter;
  RETURN FOUND;
END $$;

CREATE FUNCTION auth.replace_recovery_codes(p_user text, p_codes bytea[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM auth.recovery_code WHERE user_id = p_user;
  INSERT INTO auth.recovery_code SELECT p_user, unnest(p_codes) $$;

CREATE FUNCTION auth.take_recovery_code(p_user text, p_hash bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM auth.recovery_code WHERE user_id = p_user AND code_hash = p_hash;
  RETURN FOUND;
END $$;

CREATE FUNCTION auth.recovery_codes_left(p_user text) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT count(*)::int FROM auth.recovery_code WHERE user_id = p_user $$;

-- ---- attempts

-- Note an attempt under each (kind, subject), unless one of them had `limit` in its window already;
-- then none is noted and the answer is how many seconds to wait. Exact among processes: each subject
-- is locked meanwhile, always in the same order.
CREATE FUNCTION auth.attempt(p_id text, p_kinds text[], p_subjects text[], p_limits int[],
                             p_windows_s float8[], p_now timestamptz) RETURNS float8
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  key text;
  wait_s float8;
BEGIN
  FOR key IN SELECT DISTINCT k || chr(31) || s AS k FROM unnest(p_kinds, p_subjects) AS g (k, s)
             ORDER BY 1 LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended(key, 7700400));
  END LOOP;
  SELECT max(extract(epoch FROM nth.at - p_now) + g.window_s) INTO wait_s
  FROM unnest(p_kinds, p_subjects, p_limits, p_windows_s) AS g (kind, subject, most, window_s)
  CROSS JOIN LATERAL (
    SELECT a.at FROM auth.attempt AS a
    WHERE a.kind = g.kind AND a.subject = g.subject
      AND a.at > p_now - make_interval(secs => g.window_s)
    ORDER BY a.at DESC, a.attempt_id DESC OFFSET g.most - 1 LIMIT 1
  ) AS nth;
  IF wait_s IS NOT NULL THEN RETURN wait_s; END IF;
  DELETE FROM auth.attempt AS a USING unnest(p_kinds, p_subjects) AS g (kind, subject)
  WHERE a.kind = g.kind AND a.subject = g.subject AND a.at < p_now - interval '1 day';
  INSERT INTO auth.attempt (kind, subject, at, attempt_id)
  SELECT DISTINCT g.kind, g.subject, p_now, p_id FROM unnest(p_kinds, p_subjects) AS g (kind, subject);
  RETURN 0;
END $$;

-- It succeeded: it does not count.
CREATE FUNCTION auth.forgive(p_id text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM auth.attempt WHERE attempt_id = p_id $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA auth FROM PUBLIC;
GRANT USAGE ON SCHEMA auth TO pm_api;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA auth TO pm_api;
