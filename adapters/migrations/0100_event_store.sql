-- The decision log: the columns of `eventsourcing`'s recorder, and beside them, in the same row and
-- so in the same transaction, who did it, why and when. Ids only, no personal data (I10).
CREATE TABLE es.decision_events (
  originator_id      text NOT NULL,    -- the stream: campaign-<id>, tenant-<id>, ...
  originator_version bigint NOT NULL,  -- from 1
  topic              text NOT NULL,    -- <event type>.v<version>, as in kafka/catalog
  state              bytea NOT NULL,   -- the event's fields as JSON
  notification_id    bigserial,        -- `pos` of the log: rises in commit order
  event_id           text NOT NULL,
  tenant_id          text NOT NULL,
  actor              text NOT NULL,
  causation          text NOT NULL,
  correlation        text NOT NULL,
  command_id         text NOT NULL,
  recorded_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (originator_id, originator_version)
);
CREATE UNIQUE INDEX decision_events_notification_id_idx ON es.decision_events (notification_id);

-- A state folded up to a version, to spare long streams the whole fold. `code` names the code that
-- folded it: another code does not see it.
CREATE TABLE es.decision_snapshot (
  originator_id text PRIMARY KEY, originator_version bigint NOT NULL, position bigint NOT NULL,
  tenant_id text NOT NULL, code text NOT NULL, state bytea NOT NULL
);

-- What commands came to, so that a repeated one gets the first answer.
CREATE TABLE es.command_dedupe (
  tenant_id text NOT NULL, command_id text NOT NULL,
  stream_id text NOT NULL, position bigint,
  answered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, command_id)
);

-- Values that one stream alone may hold; an empty scope is the whole platform.
CREATE TABLE es.reservation (
  kind text NOT NULL, scope text NOT NULL, value text NOT NULL,
  stream_id text NOT NULL, tenant_id text NOT NULL,
  PRIMARY KEY (kind, scope, value)
);

-- Where the relay stands. It may lag behind Kafka's tail, never lead it.
CREATE TABLE es.relay (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  last_pos bigint NOT NULL DEFAULT 0,
  log_id text NOT NULL DEFAULT '',         -- of the log that last_pos speaks of
  compared_with text NOT NULL DEFAULT '',  -- incarnation of Postgres in which store and log agreed
  moved_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO es.relay DEFAULT VALUES;

-- Whether the relay has found store and log to agree since this Postgres started (design-fixes.md 6).
CREATE FUNCTION es.relay_compared() RETURNS boolean LANGUAGE sql STABLE
  RETURN (SELECT compared_with = pipeline.incarnation() FROM es.relay);

-- One tenant at a time for whoever decides. The relay carries every tenant's facts, so it works as
-- pm_projector, which has a policy of its own; it may read and nothing more.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['decision_events', 'decision_snapshot', 'command_dedupe', 'reservation'] LOOP
    EXECUTE format('ALTER TABLE es.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE es.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own_rows ON es.%I USING (tenant_id = (SELECT app.tenant()))'
                   ' WITH CHECK (tenant_id = (SELECT app.tenant()))', name);
  END LOOP;
END $$;
CREATE POLICY all_rows_of_the_relay ON es.decision_events FOR SELECT TO pm_projector USING (true);

-- MAINTAIN lets a role take the recorder's EXCLUSIVE lock, without which readers lose events
-- (reference/eventsourcing.md finding 6), and spares it UPDATE and DELETE: events never change.
GRANT SELECT, INSERT, MAINTAIN ON es.decision_events TO pm_api, pm_worker;
GRANT USAGE ON SEQUENCE es.decision_events_notification_id_seq TO pm_api, pm_worker;
GRANT SELECT, INSERT, UPDATE ON es.decision_snapshot TO pm_api, pm_worker;
GRANT SELECT, INSERT ON es.command_dedupe, es.reservation TO pm_api, pm_worker;
GRANT SELECT ON es.relay TO pm_api, pm_worker, pm_projector, pm_release;
GRANT SELECT ON es.decision_events TO pm_projector;
GRANT UPDATE ON es.relay TO pm_projector;
