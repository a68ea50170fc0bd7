-- Many decisions at once; adapters/decision_batches.py. The functions are those of migration 0490.

-- name: look
SELECT * FROM es.look_many(%(setting)s, %(given)s::json)

-- name: answers
SELECT command_id, stream_id, position FROM es.command_dedupe
WHERE tenant_id = %(tenant_id)s AND command_id = ANY(%(command_ids)s)

-- name: reserve
SELECT * FROM es.reserve_many(%(setting)s, %(given)s::json)

-- name: append
SELECT position FROM es.append_many(%(setting)s, %(given)s::json) AS position

-- name: remember_answers
-- Of commands that found nothing to do: where their streams stand, with what was appended here.
INSERT INTO es.command_dedupe (tenant_id, command_id, stream_id, position)
SELECT %(tenant_id)s, command_id, stream_id, coalesce(position, (
    SELECT max(notification_id) FROM es.decision_events WHERE originator_id = stream_id))
FROM unnest(%(command_ids)s::text[], %(stream_ids)s::text[], %(positions)s::bigint[])
  AS quiet (command_id, stream_id, position)
ON CONFLICT DO NOTHING

-- name: positions
SELECT event_id, notification_id FROM es.decision_events
WHERE originator_id = ANY(%(stream_ids)s) AND event_id = ANY(%(event_ids)s)
