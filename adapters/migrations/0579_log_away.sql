-- While the log takes no decisions the relay says why here, and nobody decides (ADR 0013).
ALTER TABLE es.relay ADD COLUMN log_away text NOT NULL DEFAULT '';

-- Why nothing may be decided now: not_compared until the relay has found store and log to agree since
-- this Postgres started (design-fixes.md 6), the relay's words while the log is away; empty: nothing.
CREATE FUNCTION es.hindrance() RETURNS text LANGUAGE sql STABLE
  RETURN (SELECT CASE WHEN compared_with = pipeline.incarnation() THEN log_away ELSE 'not_compared' END
          FROM es.relay);
DROP FUNCTION es.relay_compared();
