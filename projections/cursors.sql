-- name: create
-- A reader's cursors, at the log's beginning where there are none yet.
INSERT INTO app.cursor (reader, topic, part, next_offset, log_id)
SELECT %(reader)s, topic, part, 0, log_id
FROM unnest(%(topics)s::text[], %(parts)s::int[], %(log_ids)s::text[]) AS at (topic, part, log_id)
ON CONFLICT DO NOTHING

-- name: read
SELECT topic, part, next_offset, last_pos, log_id FROM app.cursor WHERE reader = %(reader)s

-- name: move
-- Compare-and-set: as many rows as partitions, or somebody else moved one (I3).
UPDATE app.cursor AS c SET next_offset = v.new, last_pos = v.pos, moved_at = clock_timestamp()
FROM unnest(%(topics)s::text[], %(parts)s::int[], %(olds)s::bigint[], %(news)s::bigint[],
            %(poss)s::bigint[]) AS v (topic, part, old, new, pos)
WHERE c.reader = %(reader)s AND c.topic = v.topic AND c.part = v.part AND c.next_offset = v.old

-- name: now
SELECT clock_timestamp()

-- name: report
-- What is left to read; and, if `at` is given, that everything up to then was applied. No row: the
-- cursors are no longer where this reader left them, another owner has moved them.
INSERT INTO app.freshness AS f (reader, caught_up_at, lag_records, reported_at)
SELECT %(reader)s, coalesce(%(at)s, to_timestamp(0)), %(lag)s, clock_timestamp()
FROM app.cursor WHERE reader = %(reader)s
HAVING count(*) = %(partitions)s AND sum(next_offset) = %(sum)s
ON CONFLICT (reader) DO UPDATE SET
  caught_up_at = greatest(f.caught_up_at, excluded.caught_up_at),
  lag_records = excluded.lag_records, reported_at = excluded.reported_at
