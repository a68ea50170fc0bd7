-- Many decisions of one tenant at once; adapters/decision_batches.py.

-- name: answers
SELECT command_id, stream_id, position FROM es.command_dedupe
WHERE tenant_id = %(tenant_id)s AND command_id = ANY(%(command_ids)s)

-- name: streams
-- Of each stream its snapshot (no topic), if one is of this code, then what came after it. One
-- statement: snapshot and entries are of one moment.
WITH asked AS (
  SELECT * FROM unnest(%(stream_ids)s::text[], %(codes)s::text[]) AS asked (originator_id, code)
), short AS MATERIALIZED (
  SELECT originator_id, s.originator_version, s.position, s.state
  FROM asked JOIN es.decision_snapshot s USING (originator_id, code)
)
SELECT originator_id, originator_version, '' AS topic, state, position AS notification_id, '' AS event_id
FROM short
UNION ALL
SELECT e.originator_id, e.originator_version, e.topic, e.state, e.notification_id, e.event_id
FROM asked LEFT JOIN short USING (originator_id)
JOIN es.decision_events e ON e.originator_id = asked.originator_id
  AND e.originator_version > coalesce(short.originator_version, 0)
ORDER BY originator_id, originator_version

-- name: reserve
-- In one order for all callers, so that none waits for another in a circle.
INSERT INTO es.reservation (kind, scope, value, stream_id, tenant_id)
SELECT DISTINCT ON (kind, scope, value) kind, scope, value, stream_id, %(tenant_id)s
FROM unnest(%(kinds)s::text[], %(scopes)s::text[], %(names)s::text[], %(stream_ids)s::text[])
  WITH ORDINALITY AS wanted (kind, scope, value, stream_id, nth)
ORDER BY kind, scope, value, nth
ON CONFLICT DO NOTHING

-- name: not_held
-- What another stream, of any tenant, holds.
SELECT kind, scope, value
FROM unnest(%(kinds)s::text[], %(scopes)s::text[], %(names)s::text[], %(stream_ids)s::text[])
  AS wanted (kind, scope, value, stream_id)
WHERE NOT EXISTS (
  SELECT FROM es.reservation r
  WHERE (r.kind, r.scope, r.value, r.stream_id)
    = (wanted.kind, wanted.scope, wanted.value, wanted.stream_id))
LIMIT 1

-- name: append
-- Ids rise with the order of the events; each command's answer is the last of its own.
WITH appended AS (
  INSERT INTO es.decision_events (originator_id, originator_version, topic, state, event_id,
                                  tenant_id, actor, causation, correlation, command_id)
  SELECT originator_id, originator_version, topic, state, event_id,
         %(tenant_id)s, actor, causation, correlation, command_id
  FROM unnest(%(originator_ids)s::text[], %(versions)s::bigint[], %(topics)s::text[],
              %(states)s::bytea[], %(event_ids)s::text[], %(actors)s::text[], %(causations)s::text[],
              %(correlations)s::text[], %(command_ids)s::text[])
    WITH ORDINALITY AS given (originator_id, originator_version, topic, state, event_id,
                              actor, causation, correlation, command_id, nth)
  ORDER BY nth
  RETURNING notification_id, originator_id, command_id
), answered AS (
  INSERT INTO es.command_dedupe (tenant_id, command_id, stream_id, position)
  SELECT %(tenant_id)s, command_id, min(originator_id), max(notification_id) FROM appended
  WHERE command_id <> '' GROUP BY command_id
)
SELECT notification_id FROM appended ORDER BY notification_id

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
