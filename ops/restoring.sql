-- name: lock
-- As the recorder locks it: nobody decides meanwhile.
LOCK TABLE es.decision_events IN EXCLUSIVE MODE

-- name: stored
SELECT notification_id, event_id FROM es.decision_events

-- name: versions
SELECT originator_id, max(originator_version) FROM es.decision_events
WHERE originator_id = ANY(%(streams)s) GROUP BY originator_id

-- name: append
INSERT INTO es.decision_events (originator_id, originator_version, topic, state, notification_id,
  event_id, tenant_id, actor, causation, correlation, recorded_at, command_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '')

-- name: go_on_after
SELECT setval('es.decision_events_notification_id_seq',
  (SELECT max(notification_id) FROM es.decision_events))
