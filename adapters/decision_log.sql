-- name: hindrance
SELECT es.hindrance() AS why

-- name: answer
-- What a command came to; no row when it is new.
SELECT stream_id, position FROM es.command_dedupe
WHERE tenant_id = %(tenant_id)s AND command_id = %(command_id)s

-- name: snapshot
SELECT originator_version, position, state FROM es.decision_snapshot
WHERE originator_id = %(stream_id)s AND code = %(code)s

-- name: stream
SELECT originator_id, originator_version, topic, state, notification_id, event_id
FROM es.decision_events
WHERE originator_id = %(stream_id)s AND originator_version > %(after)s
ORDER BY originator_version

-- name: reserve
INSERT INTO es.reservation (kind, scope, value, stream_id, tenant_id)
VALUES (%(kind)s, %(scope)s, %(value)s, %(stream_id)s, %(tenant_id)s)
ON CONFLICT DO NOTHING

-- name: holder
-- A holder of another tenant is not seen.
SELECT stream_id FROM es.reservation
WHERE kind = %(kind)s AND scope = %(scope)s AND value = %(value)s

-- name: append
-- Ids rise with the order of the events; the command's answer is the last of them.
WITH appended AS (
  INSERT INTO es.decision_events (originator_id, originator_version, topic, state, event_id,
                                  tenant_id, actor, causation, correlation, command_id)
  SELECT originator_id, originator_version, topic, state, event_id,
         %(tenant_id)s, %(actor)s, %(causation)s, %(correlation)s, %(command_id)s
  FROM unnest(%(originator_ids)s::text[], %(versions)s::bigint[], %(topics)s::text[],
              %(states)s::bytea[], %(event_ids)s::text[])
    WITH ORDINALITY AS given (originator_id, originator_version, topic, state, event_id, nth)
  ORDER BY nth
  RETURNING notification_id
), answered AS (
  INSERT INTO es.command_dedupe (tenant_id, command_id, stream_id, position)
  SELECT %(tenant_id)s, %(command_id)s, %(stream_id)s, max(notification_id) FROM appended
  WHERE %(command_id)s <> ''
  HAVING count(*) > 0
)
SELECT notification_id FROM appended ORDER BY notification_id

-- name: remember_answer
-- Of a command that found nothing to do.
INSERT INTO es.command_dedupe (tenant_id, command_id, stream_id, position)
VALUES (%(tenant_id)s, %(command_id)s, %(stream_id)s, %(position)s)
ON CONFLICT DO NOTHING

-- name: keep_snapshot
INSERT INTO es.decision_snapshot (originator_id, originator_version, position, tenant_id, code, state)
VALUES (%(stream_id)s, %(version)s, %(position)s, %(tenant_id)s, %(code)s, %(state)s)
ON CONFLICT (originator_id) DO UPDATE
SET originator_version = excluded.originator_version, position = excluded.position,
    code = excluded.code, state = excluded.state
