-- name: examine
SELECT pipeline.incarnation() AS incarnation, pipeline.history() AS history,
  clock_timestamp() - pg_postmaster_start_time() > make_interval(secs => %(slice_deadline_s)s) AS settled,
  g.incarnation, g.open, g.reason, g.beat, g.keeper, g.epoch, g.holder, g.holder_log
FROM pipeline.gate g

-- name: cursors
SELECT topic, part, next_offset, log_id FROM app.cursor WHERE reader = 'schedule'

-- name: set
-- Only where something changes, so that `changed_at` says since when.
UPDATE pipeline.gate
SET incarnation = %(incarnation)s, open = %(open)s, reason = %(reason)s, changed_at = clock_timestamp()
WHERE (incarnation, open, reason) IS DISTINCT FROM (%(incarnation)s, %(open)s, %(reason)s)

-- name: beat
UPDATE pipeline.gate SET beat = beat + 1, keeper = %(keeper)s RETURNING beat
