-- name: readers
SELECT reader, caught_up_at, lag_records,
  extract(epoch FROM clock_timestamp() - caught_up_at)::float8 AS age_s
FROM app.freshness

-- name: cursors
SELECT reader, topic, part, next_offset FROM app.cursor ORDER BY reader, topic, part
