-- What the watch asks Postgres; role pm_worker.

-- name: enrol
INSERT INTO pipeline.watched (about_id, question, tenant_id, due_at)
SELECT s.about_id, q.question, s.tenant_id,
  now() + make_interval(secs => hashtext(s.about_id || q.question) & 63)
FROM app.watched_subjects() AS s
JOIN unnest(%(questions)s::text[], %(kinds)s::text[]) AS q (question, kind) ON q.kind = s.kind
ON CONFLICT DO NOTHING

-- name: dismiss
DELETE FROM pipeline.watched AS w
WHERE NOT untold
  AND NOT EXISTS (SELECT FROM app.watched_subjects() AS s WHERE s.about_id = w.about_id)

-- name: take
WITH due AS (
  SELECT w.about_id, w.question FROM pipeline.watched AS w
  WHERE w.due_at <= now() AND w.question = ANY (%(questions)s)
  ORDER BY w.due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE pipeline.watched AS w SET due_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
FROM due, app.watched_subjects() AS s
WHERE w.about_id = due.about_id AND w.question = due.question AND s.about_id = w.about_id
RETURNING w.about_id, w.question, s.subject, w.answer, w.in_row, w.told, w.due_at

-- name: heard
-- Bad news that lasts is told anew now and then: who begins to listen later hears of it too.
WITH said AS (
  SELECT %(news)s OR (%(told)s <> '' AND %(answer)s <> ''
    AND told_at < clock_timestamp() - make_interval(secs => %(repeat_s)s)) IS TRUE AS news
  FROM pipeline.watched WHERE about_id = %(about_id)s AND question = %(question)s
)
UPDATE pipeline.watched SET answer = %(answer)s, in_row = %(in_row)s, told = %(told)s,
  told_at = CASE WHEN said.news THEN clock_timestamp() ELSE told_at END,
  untold = untold OR said.news, asked_at = clock_timestamp(), problem = '',
  due_at = clock_timestamp() + make_interval(secs => %(again_s)s)
FROM said
WHERE about_id = %(about_id)s AND question = %(question)s AND due_at = %(lease)s

-- name: unheard
UPDATE pipeline.watched SET problem = %(problem)s,
  due_at = clock_timestamp() + make_interval(secs => %(again_s)s)
WHERE about_id = %(about_id)s AND question = %(question)s AND due_at = %(lease)s

-- name: untold
SELECT tenant_id, about_id, question, told, told_at FROM pipeline.watched
WHERE untold ORDER BY told_at, about_id, question LIMIT %(most)s

-- name: told
UPDATE pipeline.watched SET untold = false
WHERE about_id = %(about_id)s AND question = %(question)s AND told_at = %(told_at)s
