-- name: database
SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS in_recovery,
  extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS up_s

-- name: due
-- What should have been released by now, of campaigns that run.
SELECT count(*) AS rows, coalesce(sum(w.size), 0)::bigint AS sends,
  coalesce(extract(epoch FROM clock_timestamp() - min(w.due_at)), 0)::float8 AS oldest_due_s
FROM pipeline.waiting AS w JOIN pipeline.campaign AS c USING (campaign_id)
  JOIN pipeline.batch AS b USING (batch_id)
WHERE w.due_at <= clock_timestamp() AND c.state = 'running' AND b.parked = ''

-- name: parked
SELECT count(*) AS batches FROM pipeline.batch WHERE parked <> ''

-- name: readers
SELECT reader, lag_records, extract(epoch FROM clock_timestamp() - caught_up_at)::float8 AS age_s,
  extract(epoch FROM clock_timestamp() - reported_at)::float8 AS silent_s
FROM app.freshness ORDER BY reader

-- name: gate
SELECT open AND incarnation = pipeline.incarnation() AS open, reason, changed_at FROM pipeline.gate

-- name: lanes
SELECT priority, ip, coalesce(sum(size) FILTER (WHERE state = 'released'), 0)::bigint AS released,
  coalesce(sum(size) FILTER (WHERE state = 'started'), 0)::bigint AS started,
  extract(epoch FROM clock_timestamp() - min(claimed_at) FILTER (WHERE state = 'started'))::float8
    AS oldest_started_s
FROM pipeline.release WHERE state IN ('released', 'started') GROUP BY priority, ip ORDER BY priority, ip

-- name: last_attempt
-- When a record of an attempt was last applied to the schedule.
SELECT extract(epoch FROM clock_timestamp() - max(moved_at))::float8 AS age_s
FROM app.cursor WHERE reader = 'schedule' AND topic = 'pm.attempts' AND next_offset > 1
