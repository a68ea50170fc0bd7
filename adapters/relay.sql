-- name: lock
-- Of the session: another relay of this database stands by until the connection ends.
SELECT pg_try_advisory_lock(%(lock)s)

-- name: standing
SELECT last_pos, log_id FROM es.relay

-- name: event_at
SELECT event_id FROM es.decision_events WHERE notification_id = %(pos)s

-- name: agree
UPDATE es.relay
SET log_id = %(log_id)s, compared_with = pipeline.incarnation(), moved_at = clock_timestamp()

-- name: listen
-- The channel is named like the recorder's table.
LISTEN decision_events

-- name: batch
SELECT notification_id AS pos, event_id, topic, state, originator_id, tenant_id, actor, causation,
       correlation, recorded_at
FROM es.decision_events WHERE notification_id > %(after)s
ORDER BY notification_id LIMIT %(size)s

-- name: advance
UPDATE es.relay SET last_pos = %(pos)s, moved_at = clock_timestamp() WHERE last_pos < %(pos)s

-- name: log_away
UPDATE es.relay SET log_away = %(why)s WHERE log_away <> %(why)s
