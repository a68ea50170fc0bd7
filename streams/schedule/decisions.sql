-- The fold of decisions and of AudiencePlanned: what release and claim check.

-- name: authority
-- Closed until the releaser has looked again; what an earlier epoch released is told anew first.
UPDATE pipeline.gate
SET epoch = %(epoch)s, holder = %(stack_id)s, holder_log = %(log_id)s, open = false,
  reason = 'send authority was taken over', taken_at = clock_timestamp(), changed_at = clock_timestamp()
WHERE epoch < %(epoch)s

-- name: resent
INSERT INTO pipeline.resent (batch_id, n, ranges)
VALUES (%(batch_id)s, %(n)s, %(ranges)s::int4multirange) ON CONFLICT DO NOTHING

-- name: launch
INSERT INTO pipeline.campaign (campaign_id, tenant_id, state, sender_id, domain_id, sign, ips,
                               message_class, priority, launched_at, expires_at, workspace_id, total,
                               daily_limit, mailbox_id, pool_id, send_window)
VALUES (%(campaign_id)s, %(tenant_id)s, 'running', %(sender_id)s, %(domain_id)s, %(sign)s, %(ips)s,
        %(message_class)s, %(priority)s, %(launched_at)s, %(expires_at)s,
        %(workspace_id)s, (SELECT sum(total) FROM pipeline.planned WHERE campaign_id = %(campaign_id)s),
        %(daily_limit)s, %(mailbox_id)s, %(pool_id)s, %(send_window)s)
ON CONFLICT (campaign_id) DO NOTHING

-- name: campaign_state
-- Cancelled and finished are for ever.
UPDATE pipeline.campaign SET state = %(state)s
WHERE campaign_id = %(campaign_id)s AND state IN ('running', 'paused')

-- name: campaign_finished
-- A cancelled campaign stays cancelled; nobody has to look at it again.
UPDATE pipeline.campaign
SET settled = true, state = CASE WHEN state IN ('running', 'paused') THEN 'finished' ELSE state END
WHERE campaign_id = %(campaign_id)s

-- name: audience
WITH step AS (
  INSERT INTO pipeline.planned (campaign_id, step, total, batches)
  VALUES (%(campaign_id)s, %(step)s, %(total)s, %(batches)s)
  ON CONFLICT (campaign_id, step) DO NOTHING
  RETURNING campaign_id, total
)
UPDATE pipeline.campaign c SET total = coalesce(c.total, 0) + step.total
FROM step WHERE c.campaign_id = step.campaign_id

-- name: tenant
INSERT INTO pipeline.tenant (tenant_id, may_send) VALUES (%(tenant_id)s, %(may_send)s)
ON CONFLICT (tenant_id) DO UPDATE SET may_send = excluded.may_send

-- name: fatigue
INSERT INTO pipeline.tenant (tenant_id, fatigue_per_day, fatigue_gap_h)
VALUES (%(tenant_id)s, %(per_day)s, %(gap_h)s)
ON CONFLICT (tenant_id) DO UPDATE
SET fatigue_per_day = excluded.fatigue_per_day, fatigue_gap_h = excluded.fatigue_gap_h

-- name: tenant_plan
INSERT INTO pipeline.tenant (tenant_id, sends_per_month) VALUES (%(tenant_id)s, %(sends_per_month)s)
ON CONFLICT (tenant_id) DO UPDATE SET sends_per_month = excluded.sends_per_month

-- name: tenant_limit
INSERT INTO pipeline.tenant (tenant_id, daily_limit, daily_limit_reason)
VALUES (%(tenant_id)s, %(daily_limit)s, %(reason)s)
ON CONFLICT (tenant_id) DO UPDATE
SET daily_limit = excluded.daily_limit, daily_limit_reason = excluded.daily_limit_reason

-- name: tenant_created
INSERT INTO pipeline.tenant (tenant_id) VALUES (%(tenant_id)s) ON CONFLICT (tenant_id) DO NOTHING

-- name: ip
INSERT INTO pipeline.ip (ip, tenant_id, address, route, relay_host, relay_port)
VALUES (%(ip)s, %(tenant_id)s, %(address)s, %(route)s, %(relay_host)s, %(relay_port)s)
ON CONFLICT (ip) DO NOTHING

-- name: ip_retired
UPDATE pipeline.ip SET gone = true WHERE ip = %(ip)s

-- name: cap
INSERT INTO pipeline.cap_rule (ip, provider, cap_set, cap_per_day)
VALUES (%(ip)s, %(provider)s, true, %(cap_per_day)s)
ON CONFLICT (ip, provider) DO UPDATE SET cap_set = true, cap_per_day = excluded.cap_per_day

-- name: rate
INSERT INTO pipeline.cap_rule (ip, provider, rate_set, rate_per_s, burst)
VALUES (%(ip)s, %(provider)s, true, %(rate_per_s)s, %(burst)s)
ON CONFLICT (ip, provider) DO UPDATE
SET rate_set = true, rate_per_s = excluded.rate_per_s, burst = excluded.burst

-- name: scheduled
INSERT INTO pipeline.scheduled_launch (campaign_id, tenant_id, at)
VALUES (%(campaign_id)s, %(tenant_id)s, %(at)s)
ON CONFLICT (campaign_id) DO UPDATE SET at = excluded.at

-- name: not_scheduled
DELETE FROM pipeline.scheduled_launch WHERE campaign_id = %(campaign_id)s

-- name: suppress
INSERT INTO vault.suppression (tenant_id, contact_id, scope, target, address_hash, reason, since)
SELECT tenant_id, contact_id, scope, target, nullif(decode(address_hash, 'hex'), ''), reason, since
FROM unnest(%(tenant_id)s::text[], %(contact_id)s::text[], %(scope)s::text[], %(target)s::text[],
            %(address_hash)s::text[], %(reason)s::text[], %(since)s::timestamptz[])
  AS e (tenant_id, contact_id, scope, target, address_hash, reason, since)
ON CONFLICT (tenant_id, contact_id, scope, target) DO UPDATE
SET reason = excluded.reason, since = excluded.since, address_hash = excluded.address_hash

-- name: lift
DELETE FROM vault.suppression s
USING unnest(%(tenant_id)s::text[], %(contact_id)s::text[], %(scope)s::text[], %(target)s::text[])
  AS l (tenant_id, contact_id, scope, target)
WHERE s.tenant_id = l.tenant_id AND s.contact_id = l.contact_id
  AND s.scope = l.scope AND s.target = l.target

-- name: suppress_everywhere
INSERT INTO vault.platform_suppression (address_hash, reason, since)
SELECT decode(address_hash, 'hex'), reason, since
FROM unnest(%(address_hash)s::text[], %(reason)s::text[], %(since)s::timestamptz[])
  AS e (address_hash, reason, since)
ON CONFLICT (address_hash) DO UPDATE SET reason = excluded.reason, since = excluded.since

-- name: lift_everywhere
DELETE FROM vault.platform_suppression
WHERE address_hash IN (SELECT decode(lifted, 'hex') FROM unnest(%(address_hash)s::text[]) AS lifted)
