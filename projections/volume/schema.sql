-- name: tables
-- How an IP warms up; provider '*': towards each one without a plan of its own. Plan 'none': not governed.
CREATE TABLE rm.warmup_plan_{v} (
  tenant_id text NOT NULL, ip text NOT NULL, provider text NOT NULL, pos bigint NOT NULL,
  plan text NOT NULL, curve bigint[] NOT NULL, target bigint NOT NULL, reason text NOT NULL,
  chosen_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, ip, provider)
);
-- Every decision about volume, and every plan and order of a person, by its place in the log.
CREATE TABLE rm.volume_decision_{v} (
  tenant_id text NOT NULL, pos bigint NOT NULL, event_id text NOT NULL, type text NOT NULL,
  scope text NOT NULL, scope_id text NOT NULL, provider text NOT NULL, decided_at timestamptz NOT NULL,
  rule text NOT NULL, counts jsonb NOT NULL,
  details jsonb NOT NULL,  -- what only this type says: old and new, until, probes, reason
  governor int NOT NULL,   -- version of the rules; 0: a person decided
  actor text NOT NULL,
  PRIMARY KEY (tenant_id, pos)
);
CREATE INDEX ON rm.volume_decision_{v} (tenant_id, scope_id, provider, pos);
CREATE INDEX ON rm.volume_decision_{v} (tenant_id, rule, pos);
-- What holds of a scope now: the last word of each kind. Scopes: cell, domain, ip, tenant, campaign.
CREATE TABLE rm.volume_scope_{v} (
  tenant_id text NOT NULL, scope text NOT NULL, scope_id text NOT NULL, provider text NOT NULL,
  quota_pos bigint NOT NULL DEFAULT -1, quota bigint, quota_rule text NOT NULL DEFAULT '',
  quota_counts jsonb NOT NULL DEFAULT '{}', quota_at timestamptz,
  rate_pos bigint NOT NULL DEFAULT -1, per_h bigint, connections int, per_connection int,
  rate_rule text NOT NULL DEFAULT '', rate_counts jsonb NOT NULL DEFAULT '{}', rate_at timestamptz,
  breaker_pos bigint NOT NULL DEFAULT -1, breaker text NOT NULL DEFAULT 'closed',  -- open, half, blocked
  breaker_until timestamptz, breaker_level int NOT NULL DEFAULT 0, breaker_probes int NOT NULL DEFAULT 0,
  breaker_rule text NOT NULL DEFAULT '', breaker_counts jsonb NOT NULL DEFAULT '{}', breaker_at timestamptz,
  phase_pos bigint NOT NULL DEFAULT -1, phase text NOT NULL DEFAULT '', phase_at timestamptz,
  PRIMARY KEY (tenant_id, scope, scope_id, provider)
) WITH (fillfactor = 70);
-- Which starts and answers of a release are counted: a fact that is told twice counts once, and of
-- each send the first definite outcome.
CREATE TABLE rm.volume_release_{v} (
  tenant_id text NOT NULL, release_id text NOT NULL, started boolean NOT NULL,
  counted int4multirange NOT NULL,
  PRIMARY KEY (tenant_id, release_id)
);
-- A cell's UTC day as the governor counts it: deferred and blocked for policy or reputation, hard for
-- addresses that are not there, other what says nothing about the sender.
CREATE TABLE rm.volume_day_{v} (
  tenant_id text NOT NULL, ip text NOT NULL, provider text NOT NULL, day date NOT NULL,
  started bigint NOT NULL, accepted bigint NOT NULL, deferred bigint NOT NULL, blocked bigint NOT NULL,
  hard bigint NOT NULL, other bigint NOT NULL,
  PRIMARY KEY (tenant_id, ip, provider, day)
) WITH (fillfactor = 50);
-- Scores as they came, and the last one of each scope.
CREATE TABLE rm.reputation_score_{v} (
  tenant_id text NOT NULL, pos bigint NOT NULL, event_id text NOT NULL,
  scope text NOT NULL, scope_id text NOT NULL, provider text NOT NULL, scored_at timestamptz NOT NULL,
  old int, score int, components jsonb NOT NULL, evidence bigint NOT NULL, model int NOT NULL,
  PRIMARY KEY (tenant_id, pos)
);
CREATE INDEX ON rm.reputation_score_{v} (tenant_id, scope, scope_id, provider, pos);
CREATE TABLE rm.reputation_{v} (
  tenant_id text NOT NULL, scope text NOT NULL, scope_id text NOT NULL, provider text NOT NULL,
  pos bigint NOT NULL, scored_at timestamptz NOT NULL, score int, components jsonb NOT NULL,
  evidence bigint NOT NULL, model int NOT NULL,
  PRIMARY KEY (tenant_id, scope, scope_id, provider)
);
-- What DNS blocklists said last of sending IPs and domains.
CREATE TABLE rm.listing_{v} (
  tenant_id text NOT NULL, about_id text NOT NULL, zone text NOT NULL,
  observed_at timestamptz NOT NULL, event_id text NOT NULL, listed boolean NOT NULL, code text NOT NULL,
  tier int NOT NULL,
  PRIMARY KEY (tenant_id, about_id, zone)
);

-- name: views
CREATE VIEW rm.warmup_plan WITH (security_invoker = true) AS SELECT * FROM rm.warmup_plan_{v};
CREATE VIEW rm.volume_decision WITH (security_invoker = true) AS SELECT * FROM rm.volume_decision_{v};
CREATE VIEW rm.volume_scope WITH (security_invoker = true) AS
SELECT s.*, s.xmin AS moved_in FROM rm.volume_scope_{v} AS s;
CREATE VIEW rm.volume_release WITH (security_invoker = true) AS SELECT * FROM rm.volume_release_{v};
CREATE VIEW rm.volume_day WITH (security_invoker = true) AS SELECT * FROM rm.volume_day_{v};
CREATE VIEW rm.reputation_score WITH (security_invoker = true) AS SELECT * FROM rm.reputation_score_{v};
CREATE VIEW rm.reputation WITH (security_invoker = true) AS SELECT * FROM rm.reputation_{v};
CREATE VIEW rm.listing WITH (security_invoker = true) AS SELECT * FROM rm.listing_{v};
