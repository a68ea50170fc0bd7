-- name: tables
-- What the world said about sends after they left, one row each. A signal may be read before its send
-- was planned: then its place in the ledger is not known yet.
CREATE TABLE rm.send_signal_{v} (
  tenant_id text NOT NULL, send_id text NOT NULL, event_id text NOT NULL,
  kind text NOT NULL,      -- as of projections/send_stats/signals.py
  first boolean NOT NULL,  -- of its kind about this send, in the log's order
  at timestamptz NOT NULL, reason text NOT NULL, code int NOT NULL, enhanced text NOT NULL,
  topic text NOT NULL, part int NOT NULL, off bigint NOT NULL,
  batch_id text, idx int,
  PRIMARY KEY (tenant_id, send_id, event_id)
);
CREATE INDEX ON rm.send_signal_{v} (tenant_id, batch_id, idx) WHERE batch_id IS NOT NULL;
CREATE INDEX ON rm.send_signal_{v} (tenant_id) WHERE batch_id IS NULL;

-- Counters by quarter of an hour, which every time zone's hours and days are made of; and sums of
-- them, so that no question reads many rows. A counter at 0 has no row.
CREATE TABLE rm.send_stat_{v} (
  tenant_id text NOT NULL, campaign_id text NOT NULL, bucket timestamptz NOT NULL, metric text NOT NULL,
  step int NOT NULL, provider text NOT NULL, ip text NOT NULL,
  sends bigint NOT NULL,
  PRIMARY KEY (tenant_id, campaign_id, bucket, metric, step, provider, ip)
) WITH (fillfactor = 70);
CREATE INDEX ON rm.send_stat_{v} (tenant_id, bucket);
CREATE TABLE rm.send_stat_total_{v} (
  tenant_id text NOT NULL, bucket timestamptz NOT NULL, metric text NOT NULL, sends bigint NOT NULL,
  PRIMARY KEY (tenant_id, bucket, metric)
) WITH (fillfactor = 70);
CREATE TABLE rm.send_stat_day_{v} (  -- of UTC
  tenant_id text NOT NULL, day date NOT NULL, metric text NOT NULL, campaign_id text NOT NULL,
  provider text NOT NULL, ip text NOT NULL, sends bigint NOT NULL,
  PRIMARY KEY (tenant_id, day, metric, campaign_id, provider, ip)
) WITH (fillfactor = 70);
CREATE TABLE rm.send_stat_campaign_{v} (
  tenant_id text NOT NULL, campaign_id text NOT NULL, metric text NOT NULL, step int NOT NULL,
  provider text NOT NULL, sends bigint NOT NULL,
  PRIMARY KEY (tenant_id, campaign_id, metric, step, provider)
) WITH (fillfactor = 70);

-- Why sends were rejected, suppressed, expired or cancelled, or became ambiguous: by UTC day.
CREATE TABLE rm.send_reason_{v} (
  tenant_id text NOT NULL, day date NOT NULL, campaign_id text NOT NULL, state text NOT NULL,
  provider text NOT NULL, reason text NOT NULL, code int NOT NULL, sends bigint NOT NULL,
  PRIMARY KEY (tenant_id, day, campaign_id, state, provider, reason, code)
) WITH (fillfactor = 70);
CREATE INDEX ON rm.send_reason_{v} (tenant_id, campaign_id);

-- Sends by the month (UTC) in which their first attempt started: what a plan's limit is held against.
CREATE TABLE rm.usage_{v} (
  tenant_id text NOT NULL, period date NOT NULL, sends bigint NOT NULL,
  PRIMARY KEY (tenant_id, period)
) WITH (fillfactor = 50);

-- name: views
CREATE VIEW rm.send_signal WITH (security_invoker = true) AS SELECT * FROM rm.send_signal_{v};
CREATE VIEW rm.send_stat WITH (security_invoker = true) AS SELECT * FROM rm.send_stat_{v};
CREATE VIEW rm.send_stat_total WITH (security_invoker = true) AS SELECT * FROM rm.send_stat_total_{v};
CREATE VIEW rm.send_stat_day WITH (security_invoker = true) AS SELECT * FROM rm.send_stat_day_{v};
CREATE VIEW rm.send_stat_campaign WITH (security_invoker = true) AS
SELECT c.*, c.xmin AS moved_in FROM rm.send_stat_campaign_{v} AS c;
CREATE VIEW rm.send_reason WITH (security_invoker = true) AS SELECT * FROM rm.send_reason_{v};
CREATE VIEW rm.usage WITH (security_invoker = true) AS SELECT * FROM rm.usage_{v};
