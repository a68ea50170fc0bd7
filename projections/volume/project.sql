-- name: plans
INSERT INTO rm.warmup_plan_{v} AS p (tenant_id, ip, provider, pos, plan, curve, target, reason, chosen_at)
SELECT tenant_id, ip, provider, pos, plan, curve::bigint[], target, reason, at
FROM unnest(%(tenant_id)s::text[], %(ip)s::text[], %(provider)s::text[], %(pos)s::bigint[], %(plan)s::text[],
            %(curve)s::text[], %(target)s::bigint[], %(reason)s::text[], %(at)s::timestamptz[])
  AS t (tenant_id, ip, provider, pos, plan, curve, target, reason, at)
ON CONFLICT (tenant_id, ip, provider) DO UPDATE SET pos = excluded.pos, plan = excluded.plan,
  curve = excluded.curve, target = excluded.target, reason = excluded.reason, chosen_at = excluded.chosen_at
WHERE excluded.pos > p.pos

-- name: decisions
INSERT INTO rm.volume_decision_{v}
SELECT tenant_id, pos, event_id, type, scope, scope_id, provider, decided_at, rule, counts::jsonb,
  details::jsonb, governor, actor
FROM unnest(%(tenant_id)s::text[], %(pos)s::bigint[], %(event_id)s::text[], %(type)s::text[],
            %(scope)s::text[], %(scope_id)s::text[], %(provider)s::text[], %(decided_at)s::timestamptz[],
            %(rule)s::text[], %(counts)s::text[], %(details)s::text[], %(governor)s::int[],
            %(actor)s::text[])
  AS t (tenant_id, pos, event_id, type, scope, scope_id, provider, decided_at, rule, counts, details,
        governor, actor)
ON CONFLICT DO NOTHING

-- name: quota
INSERT INTO rm.volume_scope_{v} AS s (tenant_id, scope, scope_id, provider, quota_pos, quota, quota_rule,
                                     quota_counts, quota_at)
SELECT tenant_id, scope, scope_id, provider, pos, new, rule, counts::jsonb, decided_at
FROM unnest(%(tenant_id)s::text[], %(scope)s::text[], %(scope_id)s::text[], %(provider)s::text[],
            %(pos)s::bigint[], %(new)s::bigint[], %(rule)s::text[], %(counts)s::text[],
            %(decided_at)s::timestamptz[])
  AS t (tenant_id, scope, scope_id, provider, pos, new, rule, counts, decided_at)
ON CONFLICT (tenant_id, scope, scope_id, provider) DO UPDATE SET quota_pos = excluded.quota_pos,
  quota = excluded.quota, quota_rule = excluded.quota_rule, quota_counts = excluded.quota_counts,
  quota_at = excluded.quota_at
WHERE excluded.quota_pos > s.quota_pos

-- name: rate
INSERT INTO rm.volume_scope_{v} AS s (tenant_id, scope, scope_id, provider, rate_pos, per_h, connections,
                                     per_connection, rate_rule, rate_counts, rate_at)
SELECT tenant_id, scope, scope_id, provider, pos, new_per_h, connections, per_connection, rule,
  counts::jsonb, decided_at
FROM unnest(%(tenant_id)s::text[], %(scope)s::text[], %(scope_id)s::text[], %(provider)s::text[],
            %(pos)s::bigint[], %(new_per_h)s::bigint[], %(connections)s::int[], %(per_connection)s::int[],
            %(rule)s::text[], %(counts)s::text[], %(decided_at)s::timestamptz[])
  AS t (tenant_id, scope, scope_id, provider, pos, new_per_h, connections, per_connection, rule, counts,
        decided_at)
ON CONFLICT (tenant_id, scope, scope_id, provider) DO UPDATE SET rate_pos = excluded.rate_pos,
  per_h = excluded.per_h, connections = excluded.connections, per_connection = excluded.per_connection,
  rate_rule = excluded.rate_rule, rate_counts = excluded.rate_counts, rate_at = excluded.rate_at
WHERE excluded.rate_pos > s.rate_pos

-- name: breaker
INSERT INTO rm.volume_scope_{v} AS s (tenant_id, scope, scope_id, provider, breaker_pos, breaker,
                                     breaker_until, breaker_level, breaker_probes, breaker_rule,
                                     breaker_counts, breaker_at)
SELECT tenant_id, scope, scope_id, provider, pos, status, until, level, probes, rule, counts::jsonb, decided_at
FROM unnest(%(tenant_id)s::text[], %(scope)s::text[], %(scope_id)s::text[], %(provider)s::text[],
            %(pos)s::bigint[], %(status)s::text[], %(until)s::timestamptz[], %(level)s::int[],
            %(probes)s::int[], %(rule)s::text[], %(counts)s::text[], %(decided_at)s::timestamptz[])
  AS t (tenant_id, scope, scope_id, provider, pos, status, until, level, probes, rule, counts, decided_at)
ON CONFLICT (tenant_id, scope, scope_id, provider) DO UPDATE SET breaker_pos = excluded.breaker_pos,
  breaker = excluded.breaker, breaker_until = excluded.breaker_until,
  breaker_level = excluded.breaker_level, breaker_probes = excluded.breaker_probes,
  breaker_rule = excluded.breaker_rule, breaker_counts = excluded.breaker_counts,
  breaker_at = excluded.breaker_at
WHERE excluded.breaker_pos > s.breaker_pos

-- name: phase
INSERT INTO rm.volume_scope_{v} AS s (tenant_id, scope, scope_id, provider, phase_pos, phase, phase_at)
SELECT * FROM unnest(%(tenant_id)s::text[], %(scope)s::text[], %(scope_id)s::text[], %(provider)s::text[],
                     %(pos)s::bigint[], %(new)s::text[], %(decided_at)s::timestamptz[])
ON CONFLICT (tenant_id, scope, scope_id, provider) DO UPDATE SET phase_pos = excluded.phase_pos,
  phase = excluded.phase, phase_at = excluded.phase_at
WHERE excluded.phase_pos > s.phase_pos

-- name: counted
-- What is counted already of these releases.
SELECT tenant_id, release_id, started, counted::text FROM rm.volume_release_{v}
JOIN unnest(%(tenant_id)s::text[], %(release_id)s::text[]) AS t (tenant_id, release_id)
  USING (tenant_id, release_id)

-- name: count
INSERT INTO rm.volume_release_{v} (tenant_id, release_id, started, counted)
SELECT tenant_id, release_id, started, counted::int4multirange
FROM unnest(%(tenant_id)s::text[], %(release_id)s::text[], %(started)s::boolean[], %(counted)s::text[])
  AS t (tenant_id, release_id, started, counted)
ON CONFLICT (tenant_id, release_id) DO UPDATE SET started = excluded.started, counted = excluded.counted

-- name: days
INSERT INTO rm.volume_day_{v} AS d (tenant_id, ip, provider, day, started, accepted, deferred, blocked, hard,
                                   other)
SELECT * FROM unnest(%(tenant_id)s::text[], %(ip)s::text[], %(provider)s::text[], %(day)s::date[],
  %(started)s::bigint[], %(accepted)s::bigint[], %(deferred)s::bigint[], %(blocked)s::bigint[],
  %(hard)s::bigint[], %(other)s::bigint[])
ON CONFLICT (tenant_id, ip, provider, day) DO UPDATE SET started = d.started + excluded.started,
  accepted = d.accepted + excluded.accepted, deferred = d.deferred + excluded.deferred,
  blocked = d.blocked + excluded.blocked, hard = d.hard + excluded.hard, other = d.other + excluded.other

-- name: scores
INSERT INTO rm.reputation_score_{v}
SELECT tenant_id, pos, event_id, scope, scope_id, provider, scored_at, old, new, components::jsonb,
  evidence, model
FROM unnest(%(tenant_id)s::text[], %(pos)s::bigint[], %(event_id)s::text[], %(scope)s::text[],
            %(scope_id)s::text[], %(provider)s::text[], %(scored_at)s::timestamptz[], %(old)s::int[],
            %(new)s::int[], %(components)s::text[], %(evidence)s::bigint[], %(model)s::int[])
  AS t (tenant_id, pos, event_id, scope, scope_id, provider, scored_at, old, new, components, evidence,
        model)
ON CONFLICT DO NOTHING

-- name: reputation
INSERT INTO rm.reputation_{v} AS r (tenant_id, scope, scope_id, provider, pos, scored_at, score, components,
                                   evidence, model)
SELECT tenant_id, scope, scope_id, provider, pos, scored_at, new, components::jsonb, evidence, model
FROM unnest(%(tenant_id)s::text[], %(scope)s::text[], %(scope_id)s::text[], %(provider)s::text[],
            %(pos)s::bigint[], %(scored_at)s::timestamptz[], %(new)s::int[], %(components)s::text[],
            %(evidence)s::bigint[], %(model)s::int[])
  AS t (tenant_id, scope, scope_id, provider, pos, scored_at, new, components, evidence, model)
ON CONFLICT (tenant_id, scope, scope_id, provider) DO UPDATE SET pos = excluded.pos,
  scored_at = excluded.scored_at, score = excluded.score, components = excluded.components,
  evidence = excluded.evidence, model = excluded.model
WHERE excluded.pos > r.pos

-- name: listings
-- The later observation counts; one that is told again is not later.
INSERT INTO rm.listing_{v} AS l (tenant_id, about_id, zone, observed_at, event_id, listed, code, tier)
SELECT * FROM unnest(%(tenant_id)s::text[], %(about_id)s::text[], %(zone)s::text[], %(at)s::timestamptz[],
                     %(event_id)s::text[], %(listed)s::boolean[], %(code)s::text[], %(tier)s::int[])
ON CONFLICT (tenant_id, about_id, zone) DO UPDATE SET observed_at = excluded.observed_at,
  event_id = excluded.event_id, listed = excluded.listed, code = excluded.code, tier = excluded.tier
WHERE (excluded.observed_at, excluded.event_id) > (l.observed_at, l.event_id)
