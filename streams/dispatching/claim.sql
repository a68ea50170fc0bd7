-- The claim: role pm_dispatcher, one transaction, the tenant set.

-- name: claim
-- Whoever's update wins may attempt these sends, and nobody else ever may (I4). No row: not ours,
-- or it may not leave now; the release row brings it back. Repeating with the same token is safe.
-- The deadline never moves, and ends before the cap day does (I7), and before its window closes.
UPDATE pipeline.release r
SET state = 'started', token = %(token)s, owner = %(owner)s, journal = %(journal)s,
    claimed_at = coalesce(r.claimed_at, clock_timestamp()),
    deadline_at = coalesce(r.deadline_at, least(
      clock_timestamp() + make_interval(secs => %(slice_deadline_s)s),
      (r.cap_day + 1)::timestamp AT TIME ZONE 'UTC', r.leave_by))
FROM pipeline.batch b, pipeline.campaign c, pipeline.ip i, pipeline.tenant t
WHERE r.release_id = %(release_id)s AND r.tenant_id = app.tenant()
  AND least((r.cap_day + 1)::timestamp AT TIME ZONE 'UTC', r.leave_by) > clock_timestamp()
  AND (r.state = 'released' AND r.lease_until > clock_timestamp()
       OR r.state = 'started' AND r.token = %(token)s AND r.deadline_at > clock_timestamp())
  AND b.batch_id = r.batch_id AND b.parked = ''
  AND c.campaign_id = r.campaign_id AND c.state = 'running'
  AND i.ip = r.ip AND NOT i.retired
  AND t.tenant_id = r.tenant_id AND t.may_send
  AND pipeline.breaker_against(r.ip, r.provider, c.domain_id, r.tenant_id, r.campaign_id, r.uses) IS NULL
  -- Asked once, not per row: NULL where the gate is shut, or another stack may send.
  AND r.epoch = (SELECT g.epoch FROM pipeline.gate g WHERE g.open
    AND g.incarnation = pipeline.incarnation() AND g.holder = %(stack_id)s)
  AND EXISTS (SELECT FROM app.freshness f WHERE f.reader = 'schedule'
    AND f.caught_up_at > clock_timestamp() - make_interval(secs => %(freshness_max_s)s))
RETURNING r.release_id, r.batch_id, r.tenant_id, r.campaign_id, b.step, r.n, r.ip, r.provider,
  r.ranges, r.cap_day, r.cap_per_day, r.uses, r.deadline_at,
  extract(epoch FROM r.deadline_at - clock_timestamp())::float8 AS left_s,
  b.content_id, c.sender_id, c.domain_id, c.sign, c.message_class, c.workspace_id,
  c.launched_at, i.address AS source, i.route, i.relay_host, i.relay_port,
  t.fatigue_per_day, t.fatigue_gap_h,
  pipeline.governed(r.ip, r.provider) AS governed,
  (SELECT p.connections FROM pipeline.volume_rate p
    WHERE p.ip = r.ip AND p.provider = r.provider) AS connections,
  (SELECT p.per_connection FROM pipeline.volume_rate p
    WHERE p.ip = r.ip AND p.provider = r.provider) AS per_connection

-- name: owned
-- A release that our token won although the answer got lost, and that we may no longer send.
SELECT r.release_id, r.batch_id, r.tenant_id, r.campaign_id, 0 AS step, r.n, r.ip, r.provider,
  r.ranges, r.cap_day, r.cap_per_day, r.uses, r.deadline_at, 0::float8 AS left_s,
  '' AS content_id, '' AS sender_id, coalesce(c.domain_id, '') AS domain_id, '' AS sign, '' AS message_class,
  '' AS workspace_id, r.claimed_at AS launched_at, '' AS source, '' AS route, '' AS relay_host, 0 AS relay_port
FROM pipeline.release r LEFT JOIN pipeline.campaign c USING (campaign_id)
WHERE r.release_id = %(release_id)s AND r.tenant_id = app.tenant()
  AND r.state = 'started' AND r.token = %(token)s

-- name: recipients
-- Whom the slice goes to. address NULL: erased since it was planned. suppressed: why, of the widest
-- scope that holds for this campaign; outside the tenant's own scope it is named too. absent: an
-- earlier attempt found no such domain.
WITH slice AS MATERIALIZED (
  SELECT a.tenant_id, a.idx, a.contact_id, c.address, c.domain, c.fields::text AS fields,
    vault.address_hash(coalesce(c.address_key, lower(c.address)), %(hash_key)s) AS address_hash
  FROM vault.audience a
  LEFT JOIN vault.contact c USING (tenant_id, contact_id)
  WHERE a.batch_id = %(batch_id)s AND a.idx <@ %(ranges)s::int4multirange
)
SELECT DISTINCT ON (l.idx) l.idx, l.contact_id, l.address, l.domain, l.fields,
  coalesce('platform:' || p.reason, CASE coalesce(s.scope, o.scope)
    WHEN 'tenant' THEN coalesce(s.reason, o.reason)
    ELSE coalesce(s.scope || ':' || s.reason, o.scope || ':' || o.reason) END) AS suppressed,
  coalesce(l.idx <@ (SELECT range_agg(a.absent) FROM pipeline.attempt_set a
    WHERE a.batch_id = %(batch_id)s AND a.n < %(n)s), false) AS absent
FROM slice l
LEFT JOIN vault.platform_suppression p ON p.address_hash = l.address_hash
LEFT JOIN vault.suppression s ON s.tenant_id = l.tenant_id AND s.address_hash = l.address_hash
  AND (s.scope, s.target) IN (('tenant', ''), ('workspace', %(workspace_id)s),
                              ('message_class', %(message_class)s))
LEFT JOIN vault.suppression o ON o.tenant_id = l.tenant_id AND o.contact_id = l.contact_id
  AND o.address_hash IS DISTINCT FROM l.address_hash  -- unknown, or by the key of another installation
  AND (o.scope, o.target) IN (('tenant', ''), ('workspace', %(workspace_id)s),
                              ('message_class', %(message_class)s))
ORDER BY l.idx, coalesce(s.scope, o.scope) <> 'tenant', coalesce(s.scope, o.scope) DESC

-- name: content
SELECT t.body, s.address, s.name
FROM vault.content t, vault.sender s
WHERE t.content_id = %(content_id)s AND s.sender_id = %(sender_id)s

-- name: keys
-- Those that sign: at most one of each algorithm.
SELECT selector, algorithm, private_key FROM vault.signing_key
WHERE domain_id = %(domain_id)s AND algorithm = ANY(%(algorithms)s) AND state = 'active'
ORDER BY algorithm, selector
