-- name: cursors
-- Of every reader but those of read models that nobody looks at (a rebuild that was broken off).
SELECT reader, topic, part, next_offset FROM app.cursor AS c
WHERE NOT EXISTS (SELECT FROM app.read_model AS m
                  WHERE m.name || '_v' || m.version = c.reader AND m.state <> 'active')

-- name: relay
SELECT r.last_pos, greatest(r.last_pos, coalesce((SELECT max(notification_id) FROM es.decision_events), 0))
FROM es.relay AS r
