-- name: standing
SELECT last_pos FROM es.relay

-- name: decisions
-- Every tenant's, in the order in which they were committed.
SELECT notification_id, event_id, tenant_id FROM es.decision_events ORDER BY notification_id
