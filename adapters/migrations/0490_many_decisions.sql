-- Many decisions at once, of several tenants, each part under its own tenant as RLS wants it: one call
-- where statements one by one would be ten for each tenant. `setting` is the one that names a
-- transaction's tenant; `given` is an array of parts {tenant_id, ...}. All run as their caller.

-- {streams: [{stream_id, code}]}: of each stream its snapshot (no topic), if one is of this code, then
-- what came after it. One statement: snapshot and entries are of one moment.
CREATE FUNCTION es.look_many(setting text, given json)
RETURNS TABLE (tenant_id text, originator_id text, originator_version bigint, topic text, state bytea,
               notification_id bigint, event_id text)
LANGUAGE plpgsql ROWS 1000 AS $$
#variable_conflict use_column
DECLARE part json; own text;
BEGIN
  FOR part IN SELECT value FROM json_array_elements(given) LOOP
    own := part->>'tenant_id';
    PERFORM set_config(setting, own, true);
    RETURN QUERY
      WITH asked AS (
        SELECT stream_id AS originator_id, code
        FROM json_to_recordset(part->'streams') AS asked (stream_id text, code text)
      ), short AS MATERIALIZED (
        SELECT s.originator_id, s.originator_version, s.position, s.state
        FROM asked CROSS JOIN LATERAL (
          SELECT * FROM es.decision_snapshot o
          WHERE o.originator_id = asked.originator_id AND o.code = asked.code OFFSET 0
        ) s
      )
      SELECT own, originator_id, originator_version, '', state, position, ''
      FROM short
      UNION ALL
      SELECT own, e.originator_id, e.originator_version, e.topic, e.state,
             e.notification_id, e.event_id
      FROM asked LEFT JOIN short USING (originator_id) CROSS JOIN LATERAL (
        SELECT * FROM es.decision_events o  -- by its key, however many streams are asked for
        WHERE o.originator_id = asked.originator_id
          AND o.originator_version > coalesce(short.originator_version, 0) OFFSET 0
      ) e
      ORDER BY 2, 3;
  END LOOP;
END $$;

-- {reservations: [{kind, scope, value, stream_id}]}: holds what is free; returns what another stream,
-- of any tenant, holds. In one order for all callers, so that none waits for another in a circle.
CREATE FUNCTION es.reserve_many(setting text, given json)
RETURNS TABLE (kind text, scope text, value text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE part json; own text;
BEGIN
  FOR part IN SELECT value FROM json_array_elements(given) LOOP
    own := part->>'tenant_id';
    PERFORM set_config(setting, own, true);
    INSERT INTO es.reservation (kind, scope, value, stream_id, tenant_id)
    SELECT DISTINCT ON (kind, scope, value) kind, scope, value, stream_id, own
    FROM ROWS FROM (json_to_recordset(part->'reservations')
                    AS (kind text, scope text, value text, stream_id text))
      WITH ORDINALITY AS wanted (kind, scope, value, stream_id, nth)
    ORDER BY kind, scope, value, nth
    ON CONFLICT DO NOTHING;
    RETURN QUERY
      SELECT wanted.kind, wanted.scope, wanted.value
      FROM json_to_recordset(part->'reservations')
        AS wanted (kind text, scope text, value text, stream_id text)
      WHERE wanted.stream_id IS DISTINCT FROM (
        SELECT r.stream_id FROM es.reservation r
        WHERE (r.kind, r.scope, r.value) = (wanted.kind, wanted.scope, wanted.value));
  END LOOP;
END $$;

-- {events: [{stream, version, topic, state, id, actor, causation, correlation, command}]}: under the
-- recorder's table lock, which the caller took. Ids rise in the order given; each command's answer is
-- the last of its own.
CREATE FUNCTION es.append_many(setting text, given json)
RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE part json; own text;
BEGIN
  FOR part IN SELECT value FROM json_array_elements(given) LOOP
    own := part->>'tenant_id';
    PERFORM set_config(setting, own, true);
    RETURN QUERY
      WITH appended AS (
        INSERT INTO es.decision_events (originator_id, originator_version, topic, state, event_id,
                                        tenant_id, actor, causation, correlation, command_id)
        SELECT stream, version, topic, convert_to(state, 'UTF8'), id,
               own, actor, causation, correlation, command
        FROM ROWS FROM (json_to_recordset(part->'events')
                        AS (stream text, version bigint, topic text, state text, id text,
                            actor text, causation text, correlation text, command text))
          WITH ORDINALITY AS told (stream, version, topic, state, id,
                                   actor, causation, correlation, command, nth)
        ORDER BY nth
        RETURNING notification_id, originator_id, command_id
      ), answered AS (
        INSERT INTO es.command_dedupe (tenant_id, command_id, stream_id, position)
        SELECT own, command_id, min(originator_id), max(notification_id)
        FROM appended WHERE command_id <> '' GROUP BY command_id
      )
      SELECT notification_id FROM appended ORDER BY notification_id;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION es.look_many, es.reserve_many, es.append_many FROM PUBLIC;
GRANT EXECUTE ON FUNCTION es.look_many, es.reserve_many, es.append_many TO pm_api, pm_worker;
