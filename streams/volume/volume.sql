-- Volume control's rows; streams/volume/store.py. What changes them is one transaction with the decisions.

-- name: open_cursors
INSERT INTO pipeline.volume_cursor (topic, part, next_offset, log_id)
SELECT topic, part, 0, log_id
FROM unnest(%(topics)s::text[], %(parts)s::int[], %(log_ids)s::text[]) AS at (topic, part, log_id)
ON CONFLICT DO NOTHING

-- name: cursors
SELECT topic, part, next_offset, log_id FROM pipeline.volume_cursor

-- name: open_worker
INSERT INTO pipeline.volume_worker (worker, told) VALUES (%(worker)s, 0) ON CONFLICT DO NOTHING

-- name: worker
SELECT told FROM pipeline.volume_worker WHERE worker = %(worker)s

-- name: roster
SELECT tenant_id FROM pipeline.volume_state

-- name: other_rules
SELECT rules FROM pipeline.volume_state WHERE rules <> %(rules)s LIMIT 1

-- name: states
SELECT tenant_id, version, told, rules, intake, state, reputation
FROM pipeline.volume_state WHERE tenant_id = ANY(%(tenant_ids)s)

-- name: due
-- Tenants whose time is up, and the moment that it was looked at.
SELECT clock_timestamp() AS at, ARRAY(
  SELECT tenant_id FROM pipeline.volume_state WHERE wakes_at <= clock_timestamp()
  ORDER BY wakes_at, tenant_id LIMIT %(most)s) AS tenant_ids

-- name: known_signals
SELECT tenant_id, event_id FROM pipeline.volume_signal
WHERE (tenant_id, event_id) IN (SELECT * FROM unnest(%(tenant_ids)s::text[], %(event_ids)s::text[]))

-- name: due_signals
SELECT tenant_id, event_id, kind, send_id, part, off, at_ms FROM pipeline.volume_signal
WHERE next_try_at <= clock_timestamp() ORDER BY next_try_at LIMIT %(most)s

-- name: forget_signals
-- Those that were done with long ago, and those whose send nobody will know any more.
DELETE FROM pipeline.volume_signal
WHERE at_ms < extract(epoch FROM clock_timestamp()) * 1000 - %(kept_ms)s

-- name: report
-- What is left to read, beside the other readers.
INSERT INTO app.freshness AS f (reader, caught_up_at, lag_records, reported_at)
VALUES (%(reader)s, CASE WHEN %(lag)s = 0 THEN %(at)s::timestamptz ELSE to_timestamp(0) END, %(lag)s,
        clock_timestamp())
ON CONFLICT (reader) DO UPDATE SET caught_up_at = greatest(f.caught_up_at, excluded.caught_up_at),
  lag_records = excluded.lag_records, reported_at = excluded.reported_at

-- name: now
SELECT clock_timestamp() AS at

-- What follows is the transaction's; each compares before it sets.

-- name: hurry
-- Nothing is told: what is lost with the machine is read again.
SET LOCAL synchronous_commit = off

-- name: hold_roster
SELECT tenants FROM pipeline.volume_roster FOR SHARE

-- name: move
WITH moved AS (
  UPDATE pipeline.volume_cursor AS c SET next_offset = v.new, moved_at = clock_timestamp()
  FROM unnest(%(topics)s::text[], %(parts)s::int[], %(olds)s::bigint[], %(news)s::bigint[])
    AS v (topic, part, old, new)
  WHERE c.topic = v.topic AND c.part = v.part AND c.next_offset = v.old
  RETURNING 1
) SELECT count(*) AS done FROM moved

-- name: tell
WITH told AS (
  UPDATE pipeline.volume_worker SET told = told + 1 WHERE worker = %(worker)s AND told = %(told)s
  RETURNING 1
) SELECT count(*) AS done FROM told

-- name: change
WITH given AS (
  SELECT * FROM unnest(%(tenant_ids)s::text[], %(versions)s::bigint[], %(tolds)s::bigint[],
    %(intakes)s::bytea[], %(states)s::bytea[], %(reputations)s::bytea[], %(wakes)s::timestamptz[])
    AS v (tenant_id, version, told, intake, state, reputation, wakes_at)
), locked AS (  -- in one order for all workers
  SELECT tenant_id FROM pipeline.volume_state JOIN given USING (tenant_id)
  ORDER BY tenant_id FOR UPDATE OF volume_state
), changed AS (
  UPDATE pipeline.volume_state AS s SET version = s.version + 1, told = s.told + v.told,
    rules = %(rules)s, intake = v.intake, state = v.state, reputation = v.reputation,
    wakes_at = v.wakes_at
  FROM given AS v JOIN locked USING (tenant_id)
  WHERE s.tenant_id = v.tenant_id AND s.version = v.version
  RETURNING 1
) SELECT count(*) AS done FROM changed

-- name: add
WITH added AS (
  INSERT INTO pipeline.volume_state (tenant_id, version, told, rules, intake, state, reputation, wakes_at)
  SELECT v.tenant_id, 1, v.told, %(rules)s, v.intake, v.state, v.reputation, v.wakes_at
  FROM unnest(%(tenant_ids)s::text[], %(tolds)s::bigint[], %(intakes)s::bytea[], %(states)s::bytea[],
    %(reputations)s::bytea[], %(wakes)s::timestamptz[])
    AS v (tenant_id, told, intake, state, reputation, wakes_at)
  ON CONFLICT DO NOTHING
  RETURNING 1
), counted AS (
  UPDATE pipeline.volume_roster SET tenants = tenants + (SELECT count(*) FROM added)
) SELECT count(*) AS done FROM added

-- name: keep_signals
-- Signals that were looked for: found (no next try), or to be looked for again ever later, for 48 hours.
-- One that is done with stays as it is and is not among the rows: it was folded before.
WITH kept AS (
  INSERT INTO pipeline.volume_signal AS s
    (tenant_id, event_id, kind, send_id, part, off, at_ms, next_try_at)
  SELECT v.tenant_id, v.event_id, v.kind, v.send_id, v.part, v.off, v.at_ms,
    CASE WHEN NOT v.found THEN clock_timestamp() + make_interval(secs => %(first_s)s) END
  FROM unnest(%(tenant_ids)s::text[], %(event_ids)s::text[], %(kinds)s::text[],
    %(send_ids)s::text[], %(parts)s::int[], %(offs)s::bigint[], %(at_mss)s::bigint[],
    %(founds)s::boolean[]) AS v (tenant_id, event_id, kind, send_id, part, off, at_ms, found)
  ORDER BY v.tenant_id, v.event_id
  ON CONFLICT (tenant_id, event_id) DO UPDATE SET tries = s.tries + 1,
    next_try_at = CASE
      WHEN excluded.next_try_at IS NOT NULL
        AND to_timestamp(s.at_ms / 1000.0) > clock_timestamp() - make_interval(hours => 48)
      THEN clock_timestamp()
        + make_interval(secs => least(%(first_s)s * 2 ^ least(s.tries + 1, 12), 3600))
    END
    WHERE s.next_try_at IS NOT NULL
  RETURNING 1
) SELECT count(*) AS done FROM kept
