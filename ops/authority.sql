-- name: standing
SELECT g.epoch, g.holder, g.holder_log AS log_id,
  coalesce(to_char(g.taken_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '') AS taken_at,
  g.open AND g.incarnation = pipeline.incarnation() AS gate_open, g.reason AS gate_reason,
  coalesce((SELECT sum(pipeline.sends(r.ranges - coalesce(a.concluded, '{}')))
    FROM pipeline.release r LEFT JOIN pipeline.attempt_set a USING (batch_id, n)
    WHERE r.state = 'started'), 0)::bigint AS open_started,
  coalesce((SELECT sum(size) FROM pipeline.waiting), 0)::bigint
    + coalesce((SELECT sum(size) FROM pipeline.release WHERE state = 'released'), 0)::bigint AS open_waiting
FROM pipeline.gate g

-- name: compared_log
SELECT log_id FROM es.relay WHERE compared_with = pipeline.incarnation() AND log_id <> ''
