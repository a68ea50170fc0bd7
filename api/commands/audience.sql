-- What an audience comes to before it is planned; the tenant set.

-- name: judged
-- The leads of these lists, each once, by mailbox provider and by what holds them back ('' nothing).
WITH member AS (
  SELECT contact_id, count(*) AS times FROM vault.list_member
  WHERE tenant_id = %(tenant_id)s AND list_id = ANY(%(list_ids)s) GROUP BY contact_id
), lead AS MATERIALIZED (
  SELECT m.contact_id, m.times, c.domain, c.erased_at IS NOT NULL AS erased,
    c.fields ?& %(required)s::text[] AS whole, vault.address_hash(c.address_key, %(hash_key)s) AS address_hash
  FROM member m JOIN vault.contact c ON c.tenant_id = %(tenant_id)s AND c.contact_id = m.contact_id
), held AS (
  SELECT l.contact_id, 1 AS rank FROM lead l JOIN vault.platform_suppression p USING (address_hash)
  UNION ALL
  SELECT l.contact_id, array_position(ARRAY['platform', 'tenant', 'workspace', 'message_class'], s.scope)
  FROM lead l JOIN vault.suppression s ON s.address_hash = l.address_hash
  WHERE s.tenant_id = %(tenant_id)s AND (s.scope, s.target) IN (('tenant', ''),
    ('workspace', %(workspace_id)s), ('message_class', %(message_class)s))
  UNION ALL
  SELECT l.contact_id, array_position(ARRAY['platform', 'tenant', 'workspace', 'message_class'], s.scope)
  FROM lead l JOIN vault.suppression s ON s.contact_id = l.contact_id
  WHERE s.tenant_id = %(tenant_id)s AND s.address_hash IS NULL AND (s.scope, s.target) IN (('tenant', ''),
    ('workspace', %(workspace_id)s), ('message_class', %(message_class)s))
), worst AS (SELECT contact_id, min(rank) AS rank FROM held GROUP BY contact_id)
SELECT coalesce(%(provider)s::text, r.provider, 'other') AS provider,
  CASE WHEN l.erased THEN 'erased' WHEN w.rank IS NULL THEN ''
    ELSE (ARRAY['platform', 'tenant', 'workspace', 'message_class'])[w.rank] END AS held_by,
  count(*)::bigint AS leads, sum(l.times)::bigint AS memberships,
  count(*) FILTER (WHERE NOT l.whole)::bigint AS incomplete
FROM lead l
LEFT JOIN worst w USING (contact_id)
LEFT JOIN vault.domain_route r ON r.domain = l.domain
GROUP BY 1, 2 ORDER BY 1, 2

-- name: lacking
-- How many leads lack each of these fields.
SELECT v.field, count(*)::bigint AS leads
FROM (SELECT DISTINCT contact_id FROM vault.list_member
      WHERE tenant_id = %(tenant_id)s AND list_id = ANY(%(list_ids)s)) m
JOIN vault.contact c ON c.tenant_id = %(tenant_id)s AND c.contact_id = m.contact_id
CROSS JOIN unnest(%(required)s::text[]) AS v (field)
WHERE c.erased_at IS NULL AND NOT c.fields ? v.field
GROUP BY v.field ORDER BY v.field

-- name: content
SELECT body FROM vault.content WHERE tenant_id = %(tenant_id)s AND content_id = %(content_id)s

-- name: algorithms
SELECT algorithm FROM vault.signing_key
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s AND state = 'active'

-- name: usable_ips
-- The tenant's sending IPs that mail may leave from; of these ids, where some are named.
SELECT ip, route FROM pipeline.ip
WHERE tenant_id = %(tenant_id)s AND NOT retired
  AND (%(ips)s::text[] = '{}' OR ip = ANY(%(ips)s)) ORDER BY ip

-- name: capacity
-- What may leave to each provider: today still, and on a whole day; null: nothing caps it.
SELECT p.provider,
  CASE WHEN bool_or(rule.cap_per_day IS NULL) THEN NULL ELSE sum(rule.cap_per_day) END::bigint AS per_day,
  CASE WHEN bool_or(rule.cap_per_day IS NULL) THEN NULL
    ELSE sum(greatest(0, rule.cap_per_day - coalesce(c.started + c.reserved, 0))) END::bigint AS today
FROM unnest(%(providers)s::text[]) AS p (provider)
JOIN pipeline.ip i ON i.tenant_id = %(tenant_id)s AND i.ip = ANY(%(ips)s) AND NOT i.retired
LEFT JOIN LATERAL (
  SELECT r.cap_per_day FROM pipeline.cap_rule r
  WHERE r.ip = i.ip AND r.provider IN (p.provider, '*') AND r.cap_set
  ORDER BY r.provider = '*' LIMIT 1
) rule ON true
LEFT JOIN pipeline.cap c ON c.ip = i.ip AND c.provider = p.provider AND c.day = %(today)s
GROUP BY p.provider

-- name: quota
-- What the tenant's plan still covers this month; no row: nothing binds.
SELECT l.sends_per_month, coalesce(u.sends, 0)::bigint AS used
FROM rm.plan_limit l
LEFT JOIN rm.usage u ON u.tenant_id = l.tenant_id AND u.period = %(period)s
WHERE l.tenant_id = %(tenant_id)s AND l.sends_per_month IS NOT NULL
