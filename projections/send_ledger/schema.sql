-- name: tables
-- One row per batch: what all its sends share. It and its ledger rows are made together.
CREATE TABLE rm.send_batch_{v} (
  tenant_id text NOT NULL, batch_id text NOT NULL, campaign_id text NOT NULL, step int NOT NULL,
  content_id text NOT NULL, provider text NOT NULL, priority text NOT NULL, message_class text NOT NULL,
  size int NOT NULL, requested_at timestamptz NOT NULL, due_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  event_id text NOT NULL, topic text NOT NULL, part int NOT NULL, off bigint NOT NULL,  -- BatchPlanned's
  PRIMARY KEY (tenant_id, batch_id)
);
CREATE INDEX ON rm.send_batch_{v} (tenant_id, campaign_id, batch_id);
CREATE INDEX ON rm.send_batch_{v} (tenant_id, requested_at, batch_id);
CREATE INDEX ON rm.send_batch_{v} (tenant_id, campaign_id, requested_at, batch_id);

-- How many sends of a batch stand in a state, by IP: finds sends by state or IP without an index on
-- the ledger's rows, which every change of a row would have to write. At 0 there is no row.
CREATE TABLE rm.send_part_{v} (
  tenant_id text NOT NULL, batch_id text NOT NULL, state text NOT NULL, ip text NOT NULL,
  campaign_id text NOT NULL, provider text NOT NULL, requested_at timestamptz NOT NULL, sends int NOT NULL,
  PRIMARY KEY (tenant_id, batch_id, state, ip)
) WITH (fillfactor = 50);
CREATE INDEX ON rm.send_part_{v} (tenant_id, state, requested_at, batch_id);
CREATE INDEX ON rm.send_part_{v} (tenant_id, ip, requested_at, batch_id);
CREATE INDEX ON rm.send_part_{v} (tenant_id, campaign_id, state, requested_at, batch_id);

-- One row per send: its heaviest fact (domain/sending.py rank). Half of each page stays free, so that
-- changing a row touches no index.
CREATE TABLE rm.send_ledger_{v} (
  tenant_id text NOT NULL, batch_id text NOT NULL, idx int NOT NULL,
  send_id text NOT NULL, contact_id text NOT NULL,
  weight int NOT NULL, n int NOT NULL,       -- of the heaviest fact, as all that follows
  at timestamptz NOT NULL, started_at timestamptz,  -- started_at: of the first attempt
  code smallint NOT NULL DEFAULT 0, reason text NOT NULL DEFAULT '', enhanced text NOT NULL DEFAULT '',
  ip text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, batch_id, idx)
) WITH (fillfactor = 50);
-- Ids are the whole system's: a tenant before them would double these two indexes and find no more.
CREATE INDEX ON rm.send_ledger_{v} (send_id);
CREATE INDEX ON rm.send_ledger_{v} (contact_id);

-- One row per fact about a slice, also where the batch is not known yet: stories are read from here.
CREATE TABLE rm.send_fact_{v} (
  tenant_id text NOT NULL, batch_id text NOT NULL, event_id text NOT NULL, seq int NOT NULL,
  kind text NOT NULL, n int NOT NULL,        -- kind: started or an Outcome
  ranges int4multirange NOT NULL,            -- the indexes that the record names
  counted int4multirange NOT NULL,           -- of these: not settled by an earlier record
  at timestamptz NOT NULL, ip text NOT NULL, source text NOT NULL, reason text NOT NULL,
  phase text NOT NULL, code int NOT NULL, enhanced text NOT NULL, release_id text NOT NULL,
  topic text NOT NULL, part int NOT NULL, off bigint NOT NULL,
  PRIMARY KEY (tenant_id, batch_id, event_id, seq)
);

-- name: views
CREATE VIEW rm.send_batch WITH (security_invoker = true) AS SELECT * FROM rm.send_batch_{v};
CREATE VIEW rm.send_part WITH (security_invoker = true) AS SELECT * FROM rm.send_part_{v};
CREATE VIEW rm.send_fact WITH (security_invoker = true) AS SELECT * FROM rm.send_fact_{v};
CREATE VIEW rm.send_ledger WITH (security_invoker = true) AS
SELECT l.tenant_id, b.campaign_id, l.send_id, l.batch_id, l.idx, l.contact_id, b.step, b.provider,
  b.priority, l.ip, l.n, l.weight, rm.send_state(l.weight) AS state, l.reason, l.code, l.enhanced,
  b.requested_at, l.started_at,
  CASE WHEN rm.send_state(l.weight) NOT IN ('waiting', 'started', 'deferred') THEN l.at END AS ended_at,
  l.at AS changed_at
FROM rm.send_ledger_{v} AS l JOIN rm.send_batch_{v} AS b USING (tenant_id, batch_id);
