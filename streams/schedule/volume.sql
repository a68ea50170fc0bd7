-- The fold of volume control's decisions and of daily limits: what release and claim check.
-- Decisions of one tenant lie in one partition; of what the governor decides the later moment counts.

-- name: plan
INSERT INTO pipeline.warmup (ip, provider, plan, curve, target)
VALUES (%(ip)s, %(provider)s, %(plan)s, %(curve)s, %(target)s)
ON CONFLICT (ip, provider) DO UPDATE
SET plan = excluded.plan, curve = excluded.curve, target = excluded.target

-- name: quota
INSERT INTO pipeline.volume_quota AS q (scope, scope_id, provider, quota, rule, decided_at)
VALUES (%(scope)s, %(scope_id)s, %(provider)s, %(new)s, %(rule)s, %(decided_at)s)
ON CONFLICT (scope, scope_id, provider) DO UPDATE
SET quota = excluded.quota, rule = excluded.rule, decided_at = excluded.decided_at
WHERE q.decided_at <= excluded.decided_at

-- name: pace
INSERT INTO pipeline.volume_rate AS r
  (ip, provider, per_h, connections, per_connection, rule, decided_at)
SELECT %(scope_id)s, %(provider)s, %(new_per_h)s, %(connections)s, %(per_connection)s, %(rule)s,
  %(decided_at)s
WHERE %(scope)s = 'cell'
ON CONFLICT (ip, provider) DO UPDATE
SET per_h = excluded.per_h, connections = excluded.connections,
  per_connection = excluded.per_connection, rule = excluded.rule, decided_at = excluded.decided_at
WHERE r.decided_at <= excluded.decided_at

-- name: breaker
-- Open without an end is blocked: a person, or what was missing, has to end it.
INSERT INTO pipeline.volume_breaker AS b
  (scope, scope_id, provider, status, until, probes, rule, since)
VALUES (%(scope)s, %(scope_id)s, %(provider)s,
  CASE WHEN %(status)s = 'open' AND %(until)s::timestamptz IS NULL THEN 'blocked' ELSE %(status)s END,
  %(until)s, %(probes)s, %(rule)s, %(decided_at)s)
ON CONFLICT (scope, scope_id, provider) DO UPDATE
SET status = excluded.status, until = excluded.until, probes = excluded.probes,
  rule = excluded.rule, since = excluded.since
WHERE b.since <= excluded.since

-- name: phase
INSERT INTO pipeline.volume_phase AS p (ip, provider, phase, decided_at)
SELECT %(scope_id)s, %(provider)s, %(new)s, %(decided_at)s WHERE %(scope)s = 'cell'
ON CONFLICT (ip, provider) DO UPDATE SET phase = excluded.phase, decided_at = excluded.decided_at
WHERE p.decided_at <= excluded.decided_at

-- name: score
INSERT INTO pipeline.volume_score AS s (scope, scope_id, provider, score, scored_at)
VALUES (%(scope)s, %(scope_id)s, %(provider)s, %(new)s, %(scored_at)s)
ON CONFLICT (scope, scope_id, provider) DO UPDATE
SET score = excluded.score, scored_at = excluded.scored_at WHERE s.scored_at <= excluded.scored_at

-- name: mailbox
INSERT INTO pipeline.mailbox (mailbox_id, daily_limit) VALUES (%(mailbox_id)s, %(daily_limit)s)
ON CONFLICT (mailbox_id) DO UPDATE SET daily_limit = excluded.daily_limit

-- name: mailbox_state
UPDATE pipeline.mailbox SET may_send = %(may_send)s WHERE mailbox_id = %(mailbox_id)s

-- name: mailbox_removed
DELETE FROM pipeline.mailbox WHERE mailbox_id = %(mailbox_id)s

-- name: domain_ip
INSERT INTO pipeline.domain_ip (domain_id, ip) VALUES (%(domain_id)s, %(ip)s) ON CONFLICT DO NOTHING

-- name: domain_ip_ended
DELETE FROM pipeline.domain_ip WHERE domain_id = %(domain_id)s AND ip = %(ip)s

-- name: domain_removed
DELETE FROM pipeline.domain_ip WHERE domain_id = %(domain_id)s
