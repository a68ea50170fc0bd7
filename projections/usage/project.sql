-- name: limit
INSERT INTO rm.plan_limit_{v} AS l (tenant_id, pos, sends_per_month, set_at)
VALUES (%(tenant_id)s, %(pos)s, %(sends_per_month)s, %(at)s)
ON CONFLICT (tenant_id) DO UPDATE SET pos = excluded.pos, set_at = excluded.set_at,
  sends_per_month = excluded.sends_per_month
WHERE excluded.pos > l.pos

-- name: cross
INSERT INTO rm.quota_crossing_{v} (tenant_id, period, percent, sends_limit, used, crossed_at)
VALUES (%(tenant_id)s, %(period)s, %(percent)s, %(limit)s, %(used)s, %(at)s)
ON CONFLICT DO NOTHING
