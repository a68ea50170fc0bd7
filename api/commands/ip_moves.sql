-- What a move of a tenant's mail to other sending IPs looks at; the tenant set.

-- name: ips
SELECT ip, route FROM pipeline.ip WHERE tenant_id = %(tenant_id)s AND NOT gone ORDER BY ip

-- name: domains
-- Those that some of these IPs are meant for.
SELECT DISTINCT domain_id FROM pipeline.domain_ip WHERE ip = ANY(%(old)s) ORDER BY domain_id

-- name: campaigns
-- What may still release something, with the IPs that it has; and what will launch by itself.
SELECT campaign_id, ips FROM pipeline.campaign
WHERE tenant_id = %(tenant_id)s AND state IN ('running', 'paused')
UNION ALL
SELECT s.campaign_id, NULL FROM pipeline.scheduled_launch s
WHERE s.tenant_id = %(tenant_id)s
  AND NOT EXISTS (SELECT FROM pipeline.campaign c WHERE c.campaign_id = s.campaign_id)
ORDER BY campaign_id

-- name: own_breakers
-- Breakers that this tenant's own lists and content opened, and quotas that they had cut.
SELECT b.scope, b.scope_id, b.provider, b.rule FROM pipeline.volume_breaker b
WHERE b.status <> 'closed' AND (
  b.scope = 'tenant' AND b.scope_id = %(tenant_id)s
  OR b.scope = 'campaign' AND EXISTS (
    SELECT FROM pipeline.campaign c WHERE c.campaign_id = b.scope_id AND c.tenant_id = %(tenant_id)s
      AND c.state IN ('running', 'paused')))
UNION ALL
SELECT q.scope, q.scope_id, q.provider, q.rule FROM pipeline.volume_quota q
WHERE q.scope = 'cell' AND q.scope_id = ANY(%(old)s) AND q.rule IN ('complaints', 'hard_bounces')
ORDER BY 1, 2, 3

-- name: own_reputation
SELECT scope, scope_id, provider, 'reputation ' || score AS rule FROM rm.reputation
WHERE tenant_id = %(tenant_id)s AND scope = 'domain' AND scope_id = ANY(%(domains)s)
  AND score < %(bad)s
ORDER BY scope_id
