-- name: state
SELECT c.state, c.total, c.ips, coalesce(t.may_send, false) AS may_send,
  g.open AND g.incarnation = pipeline.incarnation() AS open, g.reason,
  coalesce(f.caught_up_at > clock_timestamp() - make_interval(secs => %(freshness_max_s)s), false)
    AS fresh,
  clock_timestamp() AS now,
  EXISTS (SELECT FROM pipeline.release r WHERE r.campaign_id = c.campaign_id
          AND r.state IN ('released', 'started', 'ending')) AS moving
FROM pipeline.campaign c
LEFT JOIN pipeline.tenant t USING (tenant_id)
LEFT JOIN app.freshness f ON f.reader = 'schedule'
CROSS JOIN pipeline.gate g
WHERE c.campaign_id = %(campaign_id)s

-- name: providers
-- What waits, by provider: how many sends are due, how many later and when, how many parked.
SELECT w.provider,
  coalesce(sum(w.size) FILTER (WHERE b.parked = '' AND w.due_at <= %(now)s), 0)::int AS due,
  coalesce(sum(w.size) FILTER (WHERE b.parked = '' AND w.due_at > %(now)s), 0)::int AS later,
  min(w.due_at) FILTER (WHERE b.parked = '' AND w.due_at > %(now)s) AS next_due_at,
  coalesce(sum(w.size) FILTER (WHERE b.parked <> ''), 0)::int AS parked
FROM pipeline.waiting w JOIN pipeline.batch b USING (batch_id)
WHERE w.campaign_id = %(campaign_id)s GROUP BY w.provider

-- name: capped
-- Of these providers those to which no IP of the campaign may send any more today.
SELECT p.provider
FROM unnest(%(providers)s::text[]) AS p (provider)
WHERE NOT EXISTS (
  SELECT FROM pipeline.ip i
  LEFT JOIN LATERAL (
    SELECT r.cap_per_day FROM pipeline.cap_rule r
    WHERE r.ip = i.ip AND r.provider IN (p.provider, '*') AND r.cap_set
    ORDER BY r.provider = '*' LIMIT 1
  ) rule ON true
  LEFT JOIN pipeline.cap c ON c.ip = i.ip AND c.provider = p.provider AND c.day = %(today)s
  WHERE i.ip = ANY(%(ips)s) AND NOT i.retired
    AND (rule.cap_per_day IS NULL
         OR coalesce(c.started + c.reserved, 0) < rule.cap_per_day))

-- name: usable
SELECT EXISTS (SELECT FROM pipeline.ip WHERE ip = ANY(%(ips)s) AND NOT retired)
