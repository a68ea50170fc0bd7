-- name: ips
-- Sending IPs that mail may leave from.
SELECT ip FROM rm.sending_ip WHERE tenant_id = %(tenant_id)s AND retired_at IS NULL ORDER BY ip

-- name: plans
SELECT ip, provider, plan, curve, target, reason, chosen_at FROM rm.warmup_plan
WHERE tenant_id = %(tenant_id)s AND (%(ip)s = '' OR ip = %(ip)s) ORDER BY ip, provider

-- name: scopes
-- What holds now of cells, and of the IPs and the tenant that they belong to.
SELECT scope, scope_id, provider, quota, quota_rule, quota_at, per_h, connections, per_connection,
  rate_rule, breaker, breaker_until, breaker_level, breaker_probes, breaker_rule, breaker_counts,
  breaker_at, phase, phase_at
FROM rm.volume_scope
WHERE tenant_id = %(tenant_id)s AND scope IN ('cell', 'ip', 'tenant') AND (%(ip)s = '' OR scope_id = %(ip)s)

-- name: begun
-- The cells that mail left from, since when.
SELECT ip, provider, min(day) AS first_mail_on FROM rm.volume_day
WHERE tenant_id = %(tenant_id)s AND started > 0 AND (%(ip)s = '' OR ip = %(ip)s) GROUP BY ip, provider

-- name: use
-- Started: what the log says left on this day. Reserved: released, and not yet known to have started.
SELECT d.ip, d.provider, d.started, coalesce(c.reserved, 0)::bigint AS reserved
FROM rm.volume_day AS d LEFT JOIN pipeline.cap AS c
  ON c.ip = d.ip AND c.provider = d.provider AND c.day = d.day
WHERE d.tenant_id = %(tenant_id)s AND d.day = %(day)s AND (%(ip)s = '' OR d.ip = %(ip)s)

-- name: days
SELECT day, started, accepted, deferred, blocked, hard, other FROM rm.volume_day
WHERE tenant_id = %(tenant_id)s AND ip = %(ip)s AND provider = %(provider)s
  AND day BETWEEN %(first)s AND %(last)s
ORDER BY day

-- name: quotas
-- The cell's quotas as they were set.
SELECT decided_at, (details ->> 'old')::bigint AS old, (details ->> 'new')::bigint AS new
FROM rm.volume_decision
WHERE tenant_id = %(tenant_id)s AND scope = 'cell' AND scope_id = %(ip)s AND provider = %(provider)s
  AND type = 'QuotaSet'
ORDER BY pos

-- name: decisions
-- The newest first. Campaigns and domains belong to workspaces, the rest to the tenant as a whole.
SELECT d.pos, d.event_id, d.type, d.scope, d.scope_id, d.provider, d.decided_at, d.rule, d.counts,
  d.details, d.governor, d.actor
FROM rm.volume_decision AS d
WHERE d.tenant_id = %(tenant_id)s AND d.pos < %(after)s
  AND (%(scope)s = '' OR d.scope = %(scope)s)
  AND (%(scope_id)s = '' OR d.scope_id = %(scope_id)s)
  AND (%(provider)s = '' OR d.provider = %(provider)s)
  AND (%(rule)s = '' OR d.rule = %(rule)s)
  AND (%(types)s::text[] IS NULL OR d.type = ANY(%(types)s))
  AND (%(since)s::timestamptz IS NULL OR d.decided_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR d.decided_at < %(until)s)
  AND (%(workspaces)s::text[] IS NULL OR d.scope NOT IN ('campaign', 'domain') OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = d.tenant_id AND w.id = d.scope_id), '') = ANY(%(workspaces)s))
ORDER BY d.pos DESC LIMIT %(limit)s

-- name: reputation
SELECT r.scope, r.scope_id, r.provider, r.scored_at, r.score, r.components, r.evidence, r.model
FROM rm.reputation AS r
WHERE r.tenant_id = %(tenant_id)s AND (r.scope, r.scope_id, r.provider) > (%(a_scope)s, %(a_id)s, %(a_provider)s)
  AND (%(scope)s = '' OR r.scope = %(scope)s)
  AND (%(workspaces)s::text[] IS NULL OR r.scope <> 'domain' OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = r.tenant_id AND w.id = r.scope_id), '') = ANY(%(workspaces)s))
ORDER BY r.scope, r.scope_id, r.provider LIMIT %(limit)s

-- name: scored
-- Whether the scope was ever scored where the asker may look.
SELECT 1 FROM rm.reputation AS r
WHERE r.tenant_id = %(tenant_id)s AND r.scope = %(scope)s AND r.scope_id = %(scope_id)s
  AND (%(workspaces)s::text[] IS NULL OR r.scope <> 'domain' OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = r.tenant_id AND w.id = r.scope_id), '') = ANY(%(workspaces)s))
LIMIT 1

-- name: scores
-- The newest first.
SELECT pos, event_id, scope, scope_id, provider, scored_at, old, score, components, evidence, model
FROM rm.reputation_score
WHERE tenant_id = %(tenant_id)s AND scope = %(scope)s AND scope_id = %(scope_id)s
  AND (%(provider)s = '' OR provider = %(provider)s) AND pos < %(after)s
ORDER BY pos DESC LIMIT %(limit)s

-- name: listings
-- Blocklists that list the thing now.
SELECT zone, code, tier, observed_at FROM rm.listing
WHERE tenant_id = %(tenant_id)s AND about_id = %(about_id)s AND listed ORDER BY tier, zone

-- name: board_reputation
SELECT scope, scope_id, provider, score FROM rm.reputation
WHERE tenant_id = %(tenant_id)s AND scope = 'cell' AND (%(ip)s = '' OR scope_id = %(ip)s)
