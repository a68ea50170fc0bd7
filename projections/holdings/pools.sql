-- name: pools
SELECT p.pool_id, coalesce(l.label, '') AS name, p.created_at, p.retired_at, p.reason,
  ARRAY(SELECT m.ip FROM rm.ip_pool_member m
        WHERE m.tenant_id = p.tenant_id AND m.pool_id = p.pool_id AND m.ended_at IS NULL ORDER BY m.ip) AS ips
FROM rm.ip_pool p LEFT JOIN vault.label l ON l.tenant_id = p.tenant_id AND l.id = p.pool_id
WHERE p.tenant_id = %(tenant_id)s AND p.pool_id > %(after)s AND (%(id)s = '' OR p.pool_id = %(id)s)
  AND (%(retired)s::boolean IS NULL OR (p.retired_at IS NOT NULL) = %(retired)s)
ORDER BY p.pool_id LIMIT %(limit)s

-- name: members
-- What holds of each sending IP now, by the rows that release checks.
SELECT i.ip, i.route, CASE WHEN i.gone THEN 'retired' WHEN i.quarantined THEN 'quarantined'
  WHEN i.retired THEN 'out_of_service' WHEN b.status IN ('open', 'blocked') THEN 'blocked'
  ELSE 'active' END AS state
FROM pipeline.ip i LEFT JOIN pipeline.volume_breaker b
  ON (b.scope, b.scope_id, b.provider) = ('ip', i.ip, '')
WHERE i.tenant_id = %(tenant_id)s AND i.ip = ANY(%(ips)s)

-- name: allowances
-- Of each IP towards each provider that any of them has met today or has a limit for: the cap that
-- binds, the governor's quota and plan, what is used of this UTC day, its breaker and its reputation.
WITH met AS (
  SELECT provider FROM pipeline.cap WHERE day = %(day)s AND ip = ANY(%(ips)s)
  UNION SELECT provider FROM pipeline.volume_quota WHERE scope = 'cell' AND scope_id = ANY(%(ips)s)
  UNION SELECT provider FROM pipeline.cap_rule WHERE ip = ANY(%(ips)s) AND provider <> '*'
  UNION SELECT %(provider)s WHERE %(provider)s <> ''
)
SELECT i.ip, met.provider, rule.cap_per_day, w.plan, w.curve, w.target, q.quota,
  coalesce(c.started + c.reserved, 0)::bigint AS used, coalesce(b.status, 'closed') AS breaker,
  coalesce(s.score, whole.score) AS score
FROM pipeline.ip i CROSS JOIN met
LEFT JOIN LATERAL (
  SELECT r.cap_per_day FROM pipeline.cap_rule r
  WHERE r.ip = i.ip AND r.provider IN (met.provider, '*') AND r.cap_set
  ORDER BY r.provider = '*' LIMIT 1
) rule ON true
LEFT JOIN LATERAL (
  SELECT p.plan, p.curve, p.target FROM pipeline.warmup p
  WHERE p.ip = i.ip AND p.provider IN (met.provider, '*') ORDER BY p.provider = '*' LIMIT 1
) w ON true
LEFT JOIN pipeline.volume_quota q ON (q.scope, q.scope_id, q.provider) = ('cell', i.ip, met.provider)
LEFT JOIN pipeline.cap c ON c.ip = i.ip AND c.provider = met.provider AND c.day = %(day)s
LEFT JOIN pipeline.volume_breaker b
  ON (b.scope, b.scope_id, b.provider) = ('cell', i.ip, met.provider)
LEFT JOIN pipeline.volume_score s ON (s.scope, s.scope_id, s.provider) = ('cell', i.ip, met.provider)
LEFT JOIN pipeline.volume_score whole ON (whole.scope, whole.scope_id, whole.provider) = ('ip', i.ip, '')
WHERE i.tenant_id = %(tenant_id)s AND i.ip = ANY(%(ips)s)
  AND (%(provider)s = '' OR met.provider = %(provider)s)
ORDER BY met.provider, i.ip
