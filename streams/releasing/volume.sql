-- What volume control and daily limits allow: read by each tick under the schedule's lock.

-- name: plans
SELECT ip, provider, plan, curve, target FROM pipeline.warmup WHERE ip = ANY(%(ips)s::text[])

-- name: breakers
SELECT b.scope, b.scope_id, b.provider, b.status, b.since, b.probes - b.probes_used
FROM pipeline.breaker_now b
WHERE b.status <> 'closed' AND b.scope_id = ANY(%(ips)s::text[] || %(owners)s::text[])

-- name: others
-- The IPs that may take what a campaign's own leave over: of its pool, or else those that its domain's
-- mail is meant to leave from; of the same tenant.
SELECT q.campaign_id, i.ip
FROM unnest(%(campaign_id)s::text[], %(tenant_id)s::text[], %(domain_id)s::text[], %(pool_id)s::text[])
  AS q (campaign_id, tenant_id, domain_id, pool_id)
JOIN pipeline.ip i ON i.tenant_id = q.tenant_id AND NOT i.retired
WHERE CASE WHEN q.pool_id = ''
  THEN EXISTS (SELECT FROM pipeline.domain_ip d WHERE (d.domain_id, d.ip) = (q.domain_id, i.ip))
  ELSE EXISTS (SELECT FROM pipeline.pool_ip p WHERE (p.pool_id, p.ip) = (q.pool_id, i.ip)) END

-- name: quotas
SELECT scope, scope_id, provider, quota FROM pipeline.volume_quota
WHERE (scope = 'cell' AND scope_id = ANY(%(ips)s::text[])) OR (scope = 'domain' AND scope_id = ANY(%(owners)s::text[]))

-- name: rates
SELECT ip, provider, per_h::float8 FROM pipeline.volume_rate WHERE ip = ANY(%(ips)s::text[])

-- name: buckets
SELECT ip, provider, tokens, refilled_at FROM pipeline.volume_bucket WHERE ip = ANY(%(ips)s::text[])

-- name: warm
SELECT ip, provider FROM pipeline.volume_phase WHERE ip = ANY(%(ips)s::text[]) AND phase = 'warm'

-- name: scores
-- Known ones, of cells and of IPs as a whole (provider '').
SELECT scope_id, provider, score FROM pipeline.volume_score
WHERE scope IN ('cell', 'ip') AND scope_id = ANY(%(ips)s::text[]) AND score IS NOT NULL

-- name: started
SELECT ip, provider, (started + reserved)::int FROM pipeline.cap
WHERE day = %(today)s AND ip = ANY(%(ips)s::text[])

-- name: uses
SELECT scope, scope_id, provider, started + reserved FROM pipeline.use
WHERE day = %(today)s AND scope_id = ANY(%(owners)s::text[])

-- name: put_buckets
INSERT INTO pipeline.volume_bucket (ip, provider, tokens, refilled_at)
SELECT b.ip, b.provider, b.tokens, %(now)s
FROM unnest(%(ip)s::text[], %(provider)s::text[], %(tokens)s::float8[]) AS b (ip, provider, tokens)
ON CONFLICT (ip, provider) DO UPDATE SET tokens = excluded.tokens, refilled_at = excluded.refilled_at
