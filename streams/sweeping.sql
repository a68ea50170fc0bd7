-- name: started
SELECT release_id, journal,
  coalesce(deadline_at, lease_until) + make_interval(secs => %(grace_s)s) < clock_timestamp() AS overdue
FROM pipeline.release WHERE state = 'started'

-- name: cursors
SELECT topic, part, next_offset FROM app.cursor WHERE reader = 'schedule' AND topic = %(topic)s

-- name: open
-- What of these releases has no outcome yet: to be asked once the schedule has caught up.
SELECT r.release_id, r.batch_id, r.tenant_id, r.campaign_id, r.n, r.ip, r.provider, r.folded,
  (r.ranges - coalesce(a.concluded, '{}'))::text AS open, coalesce(b.parked, '') <> '' AS parked,
  coalesce(c.domain_id, '') AS domain_id
FROM pipeline.release r LEFT JOIN pipeline.attempt_set a USING (batch_id, n)
LEFT JOIN pipeline.campaign c ON c.campaign_id = r.campaign_id
LEFT JOIN pipeline.batch b USING (batch_id)
WHERE r.release_id = ANY(%(release_ids)s) AND r.state = 'started'
  AND NOT isempty(r.ranges - coalesce(a.concluded, '{}'))

-- name: needed
SELECT DISTINCT journal FROM pipeline.release WHERE state = 'started'
