-- What decides whether mail may leave; each statement reads rows and decides nothing.

-- name: stage
-- The lock is the active releaser's (streams/releasing/releases.sql, `lead`).
SELECT clock_timestamp() AS now, g.open AND g.incarnation = pipeline.incarnation() AS open, g.reason,
  g.changed_at, g.epoch, g.holder,
  extract(epoch FROM clock_timestamp() - f.caught_up_at)::float8 AS schedule_age_s,
  coalesce(f.lag_records, 0) AS lag_records,
  EXISTS (SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
          WHERE l.locktype = 'advisory' AND l.objid = 7700020 AND l.granted
            AND d.datname = current_database()) AS releaser
FROM pipeline.gate AS g LEFT JOIN app.freshness AS f ON f.reader = 'schedule'

-- name: campaigns
SELECT c.campaign_id, c.tenant_id, c.state, c.ips, c.domain_id, c.total, c.pool_id, c.expires_at,
  coalesce(t.may_send, false) AS may_send, c.daily_limit, t.daily_limit AS tenant_daily_limit,
  t.daily_limit_reason AS tenant_daily_limit_reason,
  t.sends_per_month, (SELECT coalesce(sum(u.started + u.reserved), 0) FROM pipeline.use AS u
    WHERE u.scope = 'plan' AND u.scope_id = c.tenant_id AND u.provider = ''
      AND u.day >= date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date)::bigint AS used_of_plan,
  c.mailbox_id, m.daily_limit AS mailbox_daily_limit, coalesce(m.may_send, true) AS mailbox_may_send,
  c.send_window AS "window", t.fatigue_per_day, t.fatigue_gap_h
FROM pipeline.campaign AS c LEFT JOIN pipeline.tenant AS t USING (tenant_id)
  LEFT JOIN pipeline.mailbox AS m ON m.mailbox_id = c.mailbox_id
WHERE c.tenant_id = %(tenant_id)s AND c.campaign_id = ANY(%(campaign_ids)s)

-- name: decided
-- What was decided about a campaign, launched or not, where the asker may look.
SELECT c.state, c.reason, s.at AS scheduled_at
FROM rm.campaign AS c LEFT JOIN pipeline.scheduled_launch AS s USING (campaign_id)
WHERE c.tenant_id = %(tenant_id)s AND c.campaign_id = %(campaign_id)s
  AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = c.tenant_id AND w.id = c.campaign_id), '') = ANY(%(workspaces)s))

-- name: waits
-- What waits, by campaign, provider and clocks: how many sends are due, how many later and when.
SELECT w.campaign_id, w.provider, b.zone,
  coalesce(sum(w.size) FILTER (WHERE b.parked = '' AND w.due_at <= clock_timestamp()), 0)::int AS due,
  coalesce(sum(w.size) FILTER (WHERE b.parked = '' AND w.due_at > clock_timestamp()), 0)::int AS later,
  coalesce(sum(w.size) FILTER (WHERE b.parked = '' AND w.n = 1), 0)::int AS firsts,
  min(w.due_at) FILTER (WHERE b.parked = '' AND w.due_at > clock_timestamp()) AS next_due_at,
  max(w.n) FILTER (WHERE w.due_at > clock_timestamp()) AS n,
  coalesce(sum(w.size) FILTER (WHERE b.parked <> ''), 0)::int AS parked, max(b.parked) AS parked_why
FROM pipeline.waiting AS w JOIN pipeline.batch AS b USING (batch_id)
WHERE w.tenant_id = %(tenant_id)s AND w.campaign_id = ANY(%(campaign_ids)s)
GROUP BY w.campaign_id, w.provider, b.zone ORDER BY w.campaign_id, w.provider, b.zone

-- name: reasons
-- What the sends that wait for a further attempt were told last, by class: of the 200 rows due first.
SELECT w.campaign_id, w.provider, b.zone, f.reason, sum(pipeline.sends(f.counted * w.ranges))::int AS sends
FROM (
  SELECT campaign_id, provider, batch_id, n, ranges FROM pipeline.waiting
  WHERE tenant_id = %(tenant_id)s AND campaign_id = ANY(%(campaign_ids)s) AND n > 1
    AND due_at > clock_timestamp()
  ORDER BY due_at, batch_id LIMIT 200
) AS w JOIN pipeline.batch AS b USING (batch_id)
JOIN rm.send_fact AS f ON f.tenant_id = %(tenant_id)s AND f.batch_id = w.batch_id AND f.n = w.n - 1
  AND f.kind = 'deferred' AND f.counted && w.ranges
GROUP BY w.campaign_id, w.provider, b.zone, f.reason

-- name: moving
SELECT state, ip, sum(size)::int AS sends, count(*)::int AS releases, min(produced_at) AS oldest_at,
  min(lease_until) AS lease_until, bool_or(produced_at IS NULL) AS untold
FROM pipeline.release
WHERE tenant_id = %(tenant_id)s AND campaign_id = ANY(%(campaign_ids)s)
  AND state IN ('released', 'started', 'ending')
GROUP BY state, ip ORDER BY state, ip

-- name: using
-- The campaigns with anything waiting that may use an IP.
SELECT DISTINCT c.campaign_id
FROM pipeline.campaign AS c JOIN pipeline.waiting AS w USING (campaign_id)
WHERE c.tenant_id = %(tenant_id)s AND %(ip)s = ANY(c.ips) ORDER BY c.campaign_id LIMIT 200

-- name: moving_from
SELECT state, ip, sum(size)::int AS sends, count(*)::int AS releases, min(produced_at) AS oldest_at,
  min(lease_until) AS lease_until, bool_or(produced_at IS NULL) AS untold
FROM pipeline.release
WHERE tenant_id = %(tenant_id)s AND ip = %(ip)s AND state IN ('released', 'started')
GROUP BY state, ip

-- name: ips
-- The campaigns' own IPs; and those that may take what these leave over: of the campaign's pool, or
-- with none, those meant for its sending domain.
WITH wanted AS (
  SELECT DISTINCT ip, '' AS spare_of FROM unnest(%(ips)s::text[]) AS ip
  UNION ALL
  SELECT p.ip, c.campaign_id FROM pipeline.campaign AS c JOIN pipeline.pool_ip AS p USING (pool_id)
  WHERE c.campaign_id = ANY(%(campaign_ids)s) AND c.pool_id <> '' AND p.ip <> ALL(c.ips)
  UNION ALL
  SELECT d.ip, c.campaign_id FROM pipeline.campaign AS c JOIN pipeline.domain_ip AS d USING (domain_id)
  WHERE c.campaign_id = ANY(%(campaign_ids)s) AND c.pool_id = '' AND d.ip <> ALL(c.ips)
)
SELECT i.ip, CASE WHEN i.quarantined AND NOT i.gone THEN 'quarantined' WHEN i.gone THEN 'retired'
    WHEN NOT i.vps_serves THEN 'vps_not_serving' WHEN i.retired THEN 'retired' ELSE '' END AS out,
  wanted.spare_of,
  (SELECT coalesce(sum(r.size), 0) FROM pipeline.release AS r
   WHERE r.ip = i.ip AND r.state = 'released')::int AS released
FROM wanted JOIN pipeline.ip AS i USING (ip)
WHERE i.tenant_id = %(tenant_id)s ORDER BY wanted.spare_of, i.ip

-- name: cells
-- What binds (IP, provider), and what is used of it on this day.
SELECT i.ip, p.provider, coalesce(u.started, 0) AS started, coalesce(u.reserved, 0) AS reserved,
  cap.cap_per_day, coalesce(why.cap_reason, '') AS cap_reason, rate.rate_per_s, rate.burst,
  b.tokens, b.refilled_at, w.plan, w.curve, w.target,
  q.quota, q.rule AS quota_rule, q.decided_at AS quota_at, s.quota_counts,
  v.per_h, v.rule AS rate_rule, s.rate_counts, vb.tokens AS own_tokens, vb.refilled_at AS own_refilled_at,
  ph.phase, coalesce(score.score, whole.score) AS score
FROM unnest(%(ips)s::text[]) AS i (ip) CROSS JOIN unnest(%(providers)s::text[]) AS p (provider)
LEFT JOIN LATERAL (
  SELECT r.provider, r.cap_per_day FROM pipeline.cap_rule AS r
  WHERE r.ip = i.ip AND r.provider IN (p.provider, '*') AND r.cap_set ORDER BY r.provider = '*' LIMIT 1
) AS cap ON true
LEFT JOIN rm.sending_ip_cap AS why ON why.tenant_id = %(tenant_id)s AND why.ip = i.ip AND why.provider = cap.provider
LEFT JOIN LATERAL (
  SELECT r.rate_per_s, r.burst FROM pipeline.cap_rule AS r
  WHERE r.ip = i.ip AND r.provider IN (p.provider, '*') AND r.rate_set ORDER BY r.provider = '*' LIMIT 1
) AS rate ON true
LEFT JOIN LATERAL (
  SELECT w.plan, w.curve, w.target FROM pipeline.warmup AS w
  WHERE w.ip = i.ip AND w.provider IN (p.provider, '*') ORDER BY w.provider = '*' LIMIT 1
) AS w ON true
LEFT JOIN pipeline.cap AS u ON u.ip = i.ip AND u.provider = p.provider AND u.day = %(today)s
LEFT JOIN pipeline.bucket AS b ON b.ip = i.ip AND b.provider = p.provider
LEFT JOIN pipeline.volume_quota AS q
  ON q.scope = 'cell' AND q.scope_id = i.ip AND q.provider = p.provider
LEFT JOIN pipeline.volume_rate AS v ON v.ip = i.ip AND v.provider = p.provider
LEFT JOIN pipeline.volume_bucket AS vb ON vb.ip = i.ip AND vb.provider = p.provider
LEFT JOIN pipeline.volume_phase AS ph ON ph.ip = i.ip AND ph.provider = p.provider
LEFT JOIN pipeline.volume_score AS score
  ON (score.scope, score.scope_id, score.provider) = ('cell', i.ip, p.provider)
LEFT JOIN pipeline.volume_score AS whole ON (whole.scope, whole.scope_id, whole.provider) = ('ip', i.ip, '')
LEFT JOIN rm.volume_scope AS s ON s.tenant_id = %(tenant_id)s AND s.scope = 'cell' AND s.scope_id = i.ip
  AND s.provider = p.provider

-- name: breakers
-- Those that are not closed, with the counts behind them.
SELECT b.scope, b.scope_id, b.provider, b.status, b.rule, b.since, b.until, b.probes, b.probes_used,
  CASE WHEN s.breaker_at = b.since THEN s.breaker_counts END AS counts
FROM pipeline.breaker_now AS b LEFT JOIN rm.volume_scope AS s
  ON s.tenant_id = %(tenant_id)s AND (s.scope, s.scope_id, s.provider) = (b.scope, b.scope_id, b.provider)
WHERE b.status <> 'closed' AND b.scope_id = ANY(%(owners)s)

-- name: quotas
SELECT q.scope_id AS domain_id, q.provider, q.quota, q.rule, q.decided_at, s.quota_counts AS counts
FROM pipeline.volume_quota AS q LEFT JOIN rm.volume_scope AS s
  ON s.tenant_id = %(tenant_id)s AND (s.scope, s.scope_id, s.provider) = (q.scope, q.scope_id, q.provider)
WHERE q.scope = 'domain' AND q.scope_id = ANY(%(owners)s)

-- name: used
SELECT scope, scope_id, provider, (started + reserved)::bigint AS used FROM pipeline.use
WHERE day = %(today)s AND scope <> 'probe' AND scope_id = ANY(%(owners)s)

-- name: ip
SELECT i.ip, i.tenant_id FROM pipeline.ip AS i WHERE i.tenant_id = %(tenant_id)s AND i.ip = %(ip)s

-- name: met
-- The providers that a sending IP has anything to do with, beside what waits.
SELECT provider FROM pipeline.cap WHERE ip = %(ip)s AND day = %(today)s
UNION SELECT provider FROM pipeline.volume_quota WHERE scope = 'cell' AND scope_id = %(ip)s
UNION SELECT provider FROM pipeline.volume_breaker
  WHERE scope = 'cell' AND scope_id = %(ip)s AND status <> 'closed'
UNION SELECT provider FROM pipeline.cap_rule WHERE ip = %(ip)s AND provider <> '*'

-- name: send
SELECT l.send_id, l.campaign_id, l.contact_id, l.batch_id, l.idx, l.provider, l.state, l.n, l.ip, l.reason,
  l.code, l.enhanced, l.started_at, l.ended_at, l.changed_at, coalesce(b.message_class, '') AS message_class,
  coalesce(b.parked, '') AS parked, coalesce(b.zone, '') AS zone
FROM rm.send_ledger AS l LEFT JOIN pipeline.batch AS b ON b.batch_id = l.batch_id
WHERE l.tenant_id = %(tenant_id)s AND l.send_id = %(send_id)s
  AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = l.tenant_id AND w.id = l.campaign_id), '') = ANY(%(workspaces)s))

-- name: fact
-- The record of its last outcome, and where it stands in the log.
SELECT f.n, f.phase, f.code, f.enhanced, f.source, f.release_id, f.event_id, f.topic, f.part AS partition,
  f.off AS "offset"
FROM rm.send_fact AS f
WHERE f.tenant_id = %(tenant_id)s AND f.batch_id = %(batch_id)s AND f.counted @> %(idx)s::int
  AND f.kind = %(state)s
ORDER BY f.n DESC, f.at DESC LIMIT 1

-- name: waiting
SELECT n, due_at, expires_at, due_at <= clock_timestamp() AS due FROM pipeline.waiting
WHERE tenant_id = %(tenant_id)s AND batch_id = %(batch_id)s AND ranges @> %(idx)s::int
ORDER BY n DESC LIMIT 1

-- name: release
SELECT state, ip, size AS sends, 1 AS releases, produced_at AS oldest_at, lease_until,
  produced_at IS NULL AS untold
FROM pipeline.release
WHERE tenant_id = %(tenant_id)s AND batch_id = %(batch_id)s AND ranges @> %(idx)s::int
  AND state IN ('released', 'started', 'ending')
ORDER BY n DESC LIMIT 1

-- name: suppressed
-- The widest suppression of its contact that holds for the campaign, by the contact or its address.
WITH who AS (
  SELECT c.contact_id, vault.address_hash(coalesce(c.address_key, lower(c.address)), %(hash_key)s) AS address_hash
  FROM vault.contact AS c WHERE c.tenant_id = %(tenant_id)s AND c.contact_id = %(contact_id)s
), found AS (
  SELECT 'platform' AS scope, '' AS target, p.reason, p.since, 0 AS place
  FROM vault.platform_suppression AS p JOIN who USING (address_hash)
  UNION ALL
  SELECT s.scope, s.target, s.reason, s.since, CASE WHEN s.scope = 'tenant' THEN 1 ELSE 2 END
  FROM vault.suppression AS s LEFT JOIN pipeline.campaign AS c ON c.campaign_id = %(campaign_id)s
  WHERE s.tenant_id = %(tenant_id)s
    AND (s.contact_id = %(contact_id)s OR s.address_hash IN (SELECT address_hash FROM who))
    AND (s.scope, s.target) IN (('tenant', ''), ('workspace', c.workspace_id),
                                ('message_class', c.message_class))
)
SELECT scope, target, reason, since FROM found ORDER BY place LIMIT 1
