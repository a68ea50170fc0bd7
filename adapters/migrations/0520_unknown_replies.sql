-- Replies that no rule about wordings knows, as shapes: addresses, names, numbers and ids are taken
-- out before they come here (streams/dispatching/unknown_replies.py). For who writes rules; nothing
-- else reads it, and losing it costs nothing.
CREATE TABLE pipeline.unknown_reply (
  provider text NOT NULL, phase text NOT NULL, code int NOT NULL, shape text NOT NULL,
  enhanced text NOT NULL, reason text NOT NULL, rule text NOT NULL, rules_version int NOT NULL,
  seen bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (provider, phase, code, shape)
);
GRANT SELECT, INSERT, UPDATE ON pipeline.unknown_reply TO pm_dispatcher;
