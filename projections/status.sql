-- name: readers
SELECT reader, extract(epoch FROM clock_timestamp() - caught_up_at)::float8
FROM app.freshness WHERE caught_up_at > to_timestamp(0)

-- name: cursors
SELECT reader, topic, part, next_offset, log_id FROM app.cursor ORDER BY reader, topic, part
