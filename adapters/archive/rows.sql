-- The vault and the decision log of one tenant, out of one installation and into another. As the
-- database's owner, within a transaction that is bound to the tenant.

-- name: tables
-- With their columns, in the order in which they were made: who refers to a row comes after it.
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) AS columns,
  array_agg(a.attname::text) FILTER (WHERE a.atttypid = 'bytea'::regtype) AS binaries,
  array_agg(a.attname::text) FILTER (WHERE a.attnotnull) AS needed
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE n.nspname = 'vault' AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = ''
GROUP BY c.oid, c.relname
HAVING bool_or(a.attname = 'tenant_id')
ORDER BY c.oid

-- name: decisions
SELECT jsonb_build_object('pos', notification_id, 'stream', originator_id,
  'version', originator_version, 'topic', topic, 'state', convert_from(state, 'UTF8'),
  'event_id', event_id, 'actor', actor, 'causation', causation, 'correlation', correlation,
  'command_id', command_id, 'recorded_at', recorded_at AT TIME ZONE 'UTC')::text
FROM es.decision_events WHERE tenant_id = %(tenant_id)s ORDER BY notification_id

-- name: last_decision
SELECT coalesce(max(notification_id), 0) FROM es.decision_events WHERE tenant_id = %(tenant_id)s

-- name: relayed
-- Whether Kafka holds all that was decided of the tenant.
SELECT r.last_pos >= coalesce(max(d.notification_id), 0), coalesce(max(d.notification_id), 0)
FROM es.relay AS r LEFT JOIN es.decision_events AS d ON d.tenant_id = %(tenant_id)s GROUP BY r.last_pos

-- name: reservations
SELECT jsonb_build_object('kind', kind, 'scope', scope, 'value', value, 'stream', stream_id)::text
FROM es.reservation WHERE tenant_id = %(tenant_id)s ORDER BY kind, scope, value

-- name: known_events
SELECT event_id FROM es.decision_events WHERE tenant_id = %(tenant_id)s

-- name: held
SELECT reason FROM pipeline.held_tenant WHERE tenant_id = %(tenant_id)s

-- name: hold
INSERT INTO pipeline.held_tenant (tenant_id, reason) VALUES (%(tenant_id)s, %(reason)s)
ON CONFLICT (tenant_id) DO NOTHING

-- name: let_go
DELETE FROM pipeline.held_tenant WHERE tenant_id = %(tenant_id)s

-- name: reserve
INSERT INTO es.reservation (kind, scope, value, stream_id, tenant_id)
VALUES (%(kind)s, %(scope)s, %(value)s, %(stream)s, %(tenant_id)s) ON CONFLICT DO NOTHING

-- name: reserved
SELECT stream_id FROM es.reservation
WHERE kind = %(kind)s AND scope = %(scope)s AND value = %(value)s

-- name: planned
-- The planner takes no launch up that comes with the log: its batches come with it too.
INSERT INTO pipeline.plan (campaign_id, tenant_id, launched, frozen, done)
VALUES (%(campaign_id)s, %(tenant_id)s, %(launched)s, true, true) ON CONFLICT DO NOTHING

-- name: lock_log
-- As the recorder does: ids rise in commit order, or readers of the log lose events.
LOCK TABLE es.decision_events IN EXCLUSIVE MODE

-- name: append
INSERT INTO es.decision_events (originator_id, originator_version, topic, state, event_id,
                                tenant_id, actor, causation, correlation, command_id, recorded_at)
SELECT stream, version, topic, convert_to(state, 'UTF8'), event_id, %(tenant_id)s, actor, causation,
  correlation, command_id, recorded_at AT TIME ZONE 'UTC'
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
  pos bigint, stream text, version bigint, topic text, state text, event_id text, actor text,
  causation text, correlation text, command_id text, recorded_at timestamp)
ORDER BY pos
ON CONFLICT (originator_id, originator_version) DO NOTHING

-- name: migrations
SELECT name FROM public.migration ORDER BY name
