-- What volume control knows (streams/volume): cursors, states and decisions move in one transaction
-- (ADR 0010). Ids and counts only, no RLS, as in 0003_pipeline.sql. All of it can be had from the log
-- again: `penguin volume rebuild`.

-- Where it stands in the log; moved by compare-and-set.
CREATE TABLE pipeline.volume_cursor (
  topic text NOT NULL, part int NOT NULL, next_offset bigint NOT NULL, log_id text NOT NULL,
  moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (topic, part)
);

-- `told`: how many VolumeAdvanced a worker's stream in the event store has.
CREATE TABLE pipeline.volume_worker (worker text PRIMARY KEY, told bigint NOT NULL);

-- How many tenants have a state. A worker that knows of fewer might pass over their records.
CREATE TABLE pipeline.volume_roster (
  one boolean PRIMARY KEY DEFAULT true CHECK (one), tenants bigint NOT NULL DEFAULT 0
);
INSERT INTO pipeline.volume_roster DEFAULT VALUES;

-- One row for each tenant that ever chose a plan or ordered something.
CREATE TABLE pipeline.volume_state (
  tenant_id text PRIMARY KEY,
  version bigint NOT NULL,          -- of this row: rises with each change
  told bigint NOT NULL,             -- events that the stream governor-<tenant_id> has
  rules text NOT NULL,              -- versions of what wrote the bytes (streams/volume/folds.py)
  intake bytea NOT NULL,            -- what stands between log and folds (streams/volume/intake.py)
  state bytea NOT NULL,             -- the governor's
  reputation bytea NOT NULL,
  wakes_at timestamptz,             -- when time alone changes something
  added_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX volume_state_wakes ON pipeline.volume_state (wakes_at) WHERE wakes_at IS NOT NULL;
CREATE INDEX volume_state_added ON pipeline.volume_state (added_at);

-- Signals by event: those whose send is not known yet, to be looked for at `next_try_at`; and those
-- that are done with (NULL), as a signal may be told twice.
CREATE TABLE pipeline.volume_signal (
  tenant_id text NOT NULL, event_id text NOT NULL,
  kind text NOT NULL, send_id text NOT NULL,
  part int NOT NULL, off bigint NOT NULL, at_ms bigint NOT NULL,  -- its place in pm.signals, its time
  tries int NOT NULL DEFAULT 0, next_try_at timestamptz,
  PRIMARY KEY (tenant_id, event_id)
);
CREATE INDEX volume_signal_waits ON pipeline.volume_signal (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX volume_signal_at ON pipeline.volume_signal (at_ms);

GRANT SELECT ON pipeline.volume_cursor, pipeline.volume_worker, pipeline.volume_roster,
  pipeline.volume_state, pipeline.volume_signal TO pm_api, pm_worker;
GRANT INSERT, UPDATE, DELETE ON pipeline.volume_cursor, pipeline.volume_worker,
  pipeline.volume_roster, pipeline.volume_state, pipeline.volume_signal TO pm_worker;
-- Its lag stands beside that of the other readers.
GRANT INSERT, UPDATE ON app.freshness TO pm_worker;
