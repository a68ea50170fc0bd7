-- Volume control: folds of the governor's decisions that release and claim check, and what is used of
-- limits wider than a cell (streams/schedule, streams/releasing). Ids and counts only, no RLS, as in
-- 0003_pipeline.sql. All of it is a fold of the log: forgotten, it is read again.

-- Which plan an IP warms up by. Governed towards a provider is an IP whose row of that provider, or
-- else of '*', names a plan other than 'none'. No row: static caps and rates alone bind.
CREATE TABLE pipeline.warmup (
  ip text NOT NULL, provider text NOT NULL, plan text NOT NULL,
  curve int[] NOT NULL DEFAULT '{}', target int NOT NULL DEFAULT 0,
  PRIMARY KEY (ip, provider)
);

-- QuotaSet: messages per UTC day. `scope`: cell (scope_id: an IP) or domain. It binds what leaves through
-- governed cells. No row: what domain/governor/draft.py `fresh` says for the plan.
CREATE TABLE pipeline.volume_quota (
  scope text NOT NULL, scope_id text NOT NULL, provider text NOT NULL,
  quota bigint NOT NULL, rule text NOT NULL, decided_at timestamptz NOT NULL,
  PRIMARY KEY (scope, scope_id, provider)
);
-- RateChanged: a token bucket that holds a minute's worth, connections at a time, messages in each.
CREATE TABLE pipeline.volume_rate (
  ip text NOT NULL, provider text NOT NULL, per_h bigint NOT NULL, connections int NOT NULL,
  per_connection int NOT NULL, rule text NOT NULL, decided_at timestamptz NOT NULL,
  PRIMARY KEY (ip, provider)
);
-- What is left of that bucket (the releaser's; pipeline.bucket is the static rate's).
CREATE TABLE pipeline.volume_bucket (
  ip text NOT NULL, provider text NOT NULL, tokens float8 NOT NULL, refilled_at timestamptz NOT NULL,
  PRIMARY KEY (ip, provider)
);
-- Breaker*: `status` open (until `until`, NULL: until someone ends it), blocked, half (`probes` messages
-- may leave since `since`), or closed. `scope`: cell (scope_id: an IP), domain, ip, tenant, campaign;
-- provider '' but for cell and domain. What of the probes is used: pipeline.breaker_now.
CREATE TABLE pipeline.volume_breaker (
  scope text NOT NULL, scope_id text NOT NULL, provider text NOT NULL,
  status text NOT NULL CHECK (status IN ('open', 'half', 'blocked', 'closed')),
  until timestamptz, probes int NOT NULL DEFAULT 0, rule text NOT NULL, since timestamptz NOT NULL,
  PRIMARY KEY (scope, scope_id, provider)
);
CREATE INDEX volume_breaker_shut ON pipeline.volume_breaker (scope, scope_id, provider)
  WHERE status <> 'closed';
-- PhaseChanged of cells: cold, warming, warm, recovering, open, blocked.
CREATE TABLE pipeline.volume_phase (
  ip text NOT NULL, provider text NOT NULL, phase text NOT NULL, decided_at timestamptz NOT NULL,
  PRIMARY KEY (ip, provider)
);

-- Daily limits, in messages per UTC day; NULL: none binds.
ALTER TABLE pipeline.tenant ADD COLUMN daily_limit bigint;
ALTER TABLE pipeline.campaign
  ADD COLUMN daily_limit int,
  ADD COLUMN mailbox_id text NOT NULL DEFAULT '';  -- that it sends from; empty: none of ours
CREATE TABLE pipeline.mailbox (
  mailbox_id text PRIMARY KEY, daily_limit int NOT NULL, may_send boolean NOT NULL DEFAULT true
);
-- The sending IPs that mail of a domain is meant to leave from: where excess may go.
CREATE TABLE pipeline.domain_ip (
  domain_id text NOT NULL, ip text NOT NULL, PRIMARY KEY (domain_id, ip)
);

-- Used of a limit wider than a cell = started (a fold of SliceStarted.uses) + reserved (the releases
-- not started yet), as in pipeline.cap (I7). `scope`: domain (with provider), tenant, campaign, mailbox;
-- probe (scope_id: scope/id/since in microseconds), whose days are summed up.
CREATE TABLE pipeline.use (
  scope text NOT NULL, scope_id text NOT NULL, provider text NOT NULL, day date NOT NULL,
  started bigint NOT NULL DEFAULT 0, reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  PRIMARY KEY (scope, scope_id, provider, day)
);
-- What a release is charged to beside its cell: scope:id:provider (domain/uses.py).
ALTER TABLE pipeline.release ADD COLUMN uses text[] NOT NULL DEFAULT '{}';

-- The use of a half-open breaker's probes, by name.
CREATE FUNCTION pipeline.probe(scope text, scope_id text, provider text, since timestamptz)
  RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN 'probe:' || scope || '/' || scope_id || '/'
    || (extract(epoch FROM since) * 1000000)::bigint || ':' || provider;

-- Breakers with what is used of their probes.
CREATE VIEW pipeline.breaker_now WITH (security_invoker = true) AS
SELECT b.*, coalesce((
    SELECT sum(u.started + u.reserved) FROM pipeline.use u
    WHERE u.scope = 'probe' AND b.status = 'half' AND u.provider = b.provider
      AND u.scope_id = split_part(pipeline.probe(b.scope, b.scope_id, b.provider, b.since), ':', 2)
  ), 0)::int AS probes_used
FROM pipeline.volume_breaker b;

GRANT SELECT ON pipeline.warmup, pipeline.volume_quota, pipeline.volume_rate, pipeline.volume_bucket,
  pipeline.volume_breaker, pipeline.volume_phase, pipeline.mailbox, pipeline.domain_ip, pipeline.use,
  pipeline.breaker_now TO pm_api, pm_worker, pm_projector, pm_release, pm_dispatcher;
GRANT INSERT, UPDATE, DELETE ON pipeline.warmup, pipeline.volume_quota, pipeline.volume_rate,
  pipeline.volume_breaker, pipeline.volume_phase, pipeline.mailbox, pipeline.domain_ip, pipeline.use
  TO pm_projector;
GRANT INSERT, UPDATE, DELETE ON pipeline.volume_bucket, pipeline.use TO pm_release;
