-- What is pending. Ids, ranges and counts only: no personal data, hence no RLS; few roles reach it.

-- Folds of decisions that release and claim check (written by the schedule projector).
CREATE TABLE pipeline.campaign (
  campaign_id text PRIMARY KEY, tenant_id text NOT NULL,
  state text NOT NULL,            -- running, paused, cancelled, finished
  sender_id text NOT NULL, domain_id text NOT NULL, sign text NOT NULL, ips text[] NOT NULL,
  message_class text NOT NULL, priority text NOT NULL,
  launched_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
  total bigint,                   -- of AudiencePlanned; NULL while planning
  settled boolean NOT NULL DEFAULT false  -- CampaignFinished was read
);
CREATE INDEX campaign_running ON pipeline.campaign (campaign_id) WHERE state = 'running';
CREATE TABLE pipeline.planned (   -- a fold of AudiencePlanned, which may come before the launch
  campaign_id text NOT NULL, step int NOT NULL, total bigint NOT NULL, batches int NOT NULL,
  PRIMARY KEY (campaign_id, step)
);
CREATE TABLE pipeline.tenant (tenant_id text PRIMARY KEY, may_send boolean NOT NULL DEFAULT true);
CREATE TABLE pipeline.ip (
  ip text PRIMARY KEY, tenant_id text NOT NULL, address text NOT NULL, route text NOT NULL,
  relay_host text NOT NULL, relay_port int NOT NULL, retired boolean NOT NULL DEFAULT false
);
CREATE TABLE pipeline.cap_rule (  -- provider '*': each provider without a cap (a rate) of its own
  ip text NOT NULL, provider text NOT NULL,
  cap_set boolean NOT NULL DEFAULT false, cap_per_day int,        -- set to NULL: no cap binds
  rate_set boolean NOT NULL DEFAULT false, rate_per_s float8, burst int,
  PRIMARY KEY (ip, provider)
);

-- The schedule: a fold of pm.requests and pm.attempts that knows no order between them.
CREATE TABLE pipeline.batch (
  batch_id text PRIMARY KEY, tenant_id text NOT NULL, campaign_id text NOT NULL, step int NOT NULL,
  content_id text NOT NULL, provider text NOT NULL, priority text NOT NULL, message_class text NOT NULL,
  due_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, size int NOT NULL,
  parked text NOT NULL DEFAULT ''  -- why nothing more of it is released (poison), or empty
);
CREATE INDEX batch_campaign ON pipeline.batch (campaign_id);
-- What a poison record was about, whether or not its batch is known yet: it is parked.
CREATE TABLE pipeline.poison (subject text PRIMARY KEY, reason text NOT NULL);
-- Which indexes of (batch, attempt n) were ever scheduled, started, concluded. Sets, not a watermark.
CREATE TABLE pipeline.attempt_set (
  batch_id text NOT NULL, n int NOT NULL,
  scheduled int4multirange NOT NULL DEFAULT '{}',
  started   int4multirange NOT NULL DEFAULT '{}',
  concluded int4multirange NOT NULL DEFAULT '{}',  -- a definite outcome, or ambiguous
  ambiguous int4multirange NOT NULL DEFAULT '{}',  -- of the concluded: not definite yet
  spoken    int4multirange NOT NULL DEFAULT '{}',  -- reported by their owner, who says no more of them
  PRIMARY KEY (batch_id, n)
);
-- Deferred sends of a batch whose BatchPlanned was not read yet: their retry is made when it is.
CREATE TABLE pipeline.deferral (
  batch_id text NOT NULL, n int NOT NULL, ranges int4multirange NOT NULL,
  reason text NOT NULL, retry_after_s int, at timestamptz NOT NULL  -- of the outcome
);
CREATE INDEX deferral_batch ON pipeline.deferral (batch_id);

-- How many sends a set of ranges holds.
CREATE FUNCTION pipeline.sends(ranges int4multirange) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (SELECT coalesce(sum(upper(part) - lower(part)), 0)::int FROM unnest(ranges) AS part);

-- What waits: `ranges` of (batch, n) due at one moment. Release takes ranges out, withdrawal puts back.
CREATE TABLE pipeline.waiting (
  batch_id text NOT NULL, n int NOT NULL, due_at timestamptz NOT NULL,
  tenant_id text NOT NULL, campaign_id text NOT NULL, provider text NOT NULL, priority text NOT NULL,
  expires_at timestamptz NOT NULL,
  ranges int4multirange NOT NULL, size int NOT NULL CHECK (size > 0),
  PRIMARY KEY (batch_id, n, due_at)
);
-- Retries (n > 1) of a campaign leave before what is new.
CREATE INDEX waiting_campaign ON pipeline.waiting (campaign_id, n DESC, due_at, batch_id);
CREATE INDEX waiting_provider ON pipeline.waiting (campaign_id, provider, n DESC, due_at, batch_id);
CREATE INDEX waiting_expiry ON pipeline.waiting (expires_at);

CREATE TABLE pipeline.release (
  release_id text PRIMARY KEY, batch_id text NOT NULL, n int NOT NULL,
  number int,                      -- of (batch, n), from 1; NULL: an id that no number here makes
  tenant_id text NOT NULL, campaign_id text NOT NULL, provider text NOT NULL, priority text NOT NULL,
  ip text NOT NULL,
  ranges int4multirange NOT NULL, size int NOT NULL,
  due_at timestamptz NOT NULL,     -- of the waiting row it came from: a withdrawal puts it back there
  state text NOT NULL,             -- released, started, concluded, withdrawn; ending (cancel, expiry)
  outcome text NOT NULL DEFAULT '', reason text NOT NULL DEFAULT '',  -- of an ending: what to record
  cap_day date NOT NULL, cap_per_day int,
  lease_until timestamptz NOT NULL, produced_at timestamptz,
  token text NOT NULL DEFAULT '', owner text NOT NULL DEFAULT '', journal text NOT NULL DEFAULT '',
  claimed_at timestamptz, deadline_at timestamptz,
  charged int NOT NULL DEFAULT 0,  -- its part of cap.reserved; 0 once started, withdrawn, given back
  folded int NOT NULL DEFAULT 0,   -- sends that its SliceStarted charged as started
  UNIQUE (batch_id, n, number)
);
CREATE INDEX release_open ON pipeline.release (state, lease_until) WHERE state IN ('released', 'started', 'ending');
CREATE INDEX release_open_campaign ON pipeline.release (campaign_id) WHERE state IN ('released', 'started', 'ending');
CREATE INDEX release_lane ON pipeline.release (ip) INCLUDE (size) WHERE state = 'released';

-- Used of a cap = started (a fold of SliceStarted) + reserved (the sum of release.charged) (I7).
CREATE TABLE pipeline.cap (
  ip text NOT NULL, provider text NOT NULL, day date NOT NULL,
  started bigint NOT NULL DEFAULT 0, reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  PRIMARY KEY (ip, provider, day)
);
CREATE TABLE pipeline.bucket (
  ip text NOT NULL, provider text NOT NULL, tokens float8 NOT NULL, refilled_at timestamptz NOT NULL,
  PRIMARY KEY (ip, provider)
);
-- What deficit round robin still owes, in sends: to a priority (tenant '') or a tenant within one.
CREATE TABLE pipeline.deficit (
  priority text NOT NULL, tenant_id text NOT NULL, deficit bigint NOT NULL,
  PRIMARY KEY (priority, tenant_id)
);

-- Release and claim go through the gate; it is open for one incarnation of Postgres and of the log.
CREATE TABLE pipeline.gate (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  incarnation text NOT NULL, open boolean NOT NULL, reason text NOT NULL, changed_at timestamptz NOT NULL,
  -- Counted up by the active releaser, who keeps a copy elsewhere: another count, or another keeper,
  -- here than there means that this database may have been restored.
  beat bigint NOT NULL DEFAULT 0, keeper text NOT NULL DEFAULT ''
);
INSERT INTO pipeline.gate VALUES (true, '', false, 'not opened yet', clock_timestamp());

-- The planner's and the finisher's own rows: what makes their agents certain.
CREATE TABLE pipeline.plan (
  campaign_id text PRIMARY KEY, tenant_id text NOT NULL,
  launched jsonb NOT NULL,         -- the fields of CampaignLaunched
  frozen boolean NOT NULL DEFAULT false, next_ordinal int NOT NULL DEFAULT 0,
  total bigint NOT NULL DEFAULT 0, batches int NOT NULL DEFAULT 0, done boolean NOT NULL DEFAULT false
);

-- This incarnation of Postgres: changes with every start of the server and with its identity.
CREATE FUNCTION pipeline.incarnation() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog
  RETURN (SELECT system_identifier::text FROM pg_control_system())
    || '/' || extract(epoch FROM pg_postmaster_start_time())::text;

-- The history that this database is on: its identity and timeline. A restore to a moment changes it.
CREATE FUNCTION pipeline.history() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog
  RETURN (SELECT system_identifier::text FROM pg_control_system())
    || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8);

GRANT SELECT ON ALL TABLES IN SCHEMA pipeline TO pm_api, pm_worker, pm_projector, pm_release, pm_dispatcher;
GRANT INSERT, UPDATE, DELETE ON pipeline.campaign, pipeline.tenant, pipeline.ip, pipeline.cap_rule,
  pipeline.planned, pipeline.batch, pipeline.poison, pipeline.deferral, pipeline.attempt_set,
  pipeline.waiting, pipeline.release, pipeline.cap TO pm_projector;
GRANT INSERT, UPDATE, DELETE ON pipeline.waiting, pipeline.release, pipeline.cap, pipeline.bucket,
  pipeline.deficit, pipeline.gate TO pm_release;
GRANT UPDATE ON pipeline.release, pipeline.cap TO pm_dispatcher;
GRANT INSERT, UPDATE, DELETE ON pipeline.plan TO pm_worker;
