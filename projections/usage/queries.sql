-- name: periods
SELECT period, sends AS used FROM rm.usage
WHERE tenant_id = %(tenant_id)s AND period >= %(since)s ORDER BY period DESC

-- name: plan
SELECT sends_per_month, set_at FROM rm.plan_limit WHERE tenant_id = %(tenant_id)s

-- name: crossings
SELECT percent, sends_limit AS "limit", used, crossed_at FROM rm.quota_crossing
WHERE tenant_id = %(tenant_id)s AND period = %(period)s ORDER BY sends_limit, percent

-- name: uncrossed
-- Tenants (all of them: role pm_projector) whose use has reached a share of their limit of which
-- nothing was told yet.
SELECT u.tenant_id, u.period, u.sends AS used, l.sends_per_month AS "limit"
FROM rm.plan_limit AS l JOIN rm.usage AS u USING (tenant_id)
WHERE u.period >= %(since)s AND l.sends_per_month IS NOT NULL
  AND EXISTS (
    SELECT FROM unnest(%(thresholds)s::int[]) AS t (percent)
    WHERE u.sends * 100 >= l.sends_per_month * t.percent
      AND NOT EXISTS (SELECT FROM rm.quota_crossing AS c
                      WHERE c.tenant_id = u.tenant_id AND c.period = u.period
                        AND c.percent = t.percent AND c.sends_limit = l.sends_per_month))
ORDER BY u.tenant_id, u.period LIMIT 1000
