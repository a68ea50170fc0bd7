-- What reading providers' feeds asks Postgres; role pm_worker.

-- name: know
INSERT INTO pipeline.feed (feed) SELECT unnest(%(feeds)s::text[]) ON CONFLICT DO NOTHING

-- name: take
UPDATE pipeline.feed SET due_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
WHERE feed = (SELECT feed FROM pipeline.feed WHERE due_at <= clock_timestamp()
              AND feed = ANY (%(feeds)s) ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING feed

-- name: subjects
SELECT tenant_id, about_id, subject FROM app.watched_subjects() WHERE kind = %(kind)s

-- A share without a count is taken of what left from the domain on that day by our own count.
-- name: report
INSERT INTO pipeline.feed_report
  (feed, about_id, day, tenant_id, provider, share_ppm, messages, traps, verdict)
VALUES (%(feed)s, %(about_id)s, %(day)s, %(tenant_id)s, %(provider)s, %(share_ppm)s,
  coalesce(nullif(%(messages)s::bigint, 0),
    (SELECT u.started FROM pipeline.use AS u WHERE u.scope = 'domain' AND u.scope_id = %(about_id)s
       AND u.provider = %(provider)s AND u.day = %(day)s::date), 0),
  %(traps)s, %(verdict)s)
ON CONFLICT DO NOTHING

-- name: read
UPDATE pipeline.feed SET problem = %(problem)s,
  read_at = CASE WHEN %(answered)s THEN clock_timestamp() ELSE read_at END,
  due_at = clock_timestamp() + make_interval(secs => %(again_s)s)
WHERE feed = %(feed)s

-- name: untold
SELECT feed, about_id, day, tenant_id, provider, share_ppm, messages, traps, verdict, reported_at
FROM pipeline.feed_report WHERE NOT told ORDER BY day, feed, about_id LIMIT %(most)s

-- name: told
UPDATE pipeline.feed_report SET told = true
WHERE feed = %(feed)s AND about_id = %(about_id)s AND day = %(day)s
