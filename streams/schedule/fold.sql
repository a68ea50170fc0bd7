-- The schedule fold's statements: one each for a whole poll, arrays in, one element a row.

-- name: lock
-- Fold and releaser change waiting rows, releases and caps one after the other: no deadlock, and a
-- cap that was read stays as it was read until it is charged (I7).
SELECT pg_advisory_xact_lock(7700010)

-- name: batches
SELECT batch_id, tenant_id, campaign_id, provider, priority, message_class, due_at, expires_at, size
FROM pipeline.batch WHERE batch_id = ANY(%(batch_ids)s)

-- name: sets
SELECT batch_id, n, scheduled::text, started::text, concluded::text, ambiguous::text,
  spoken::text, absent::text
FROM pipeline.attempt_set WHERE batch_id = ANY(%(batch_ids)s)

-- name: deferrals
SELECT batch_id, n, ranges::text, reason, retry_after_s, at
FROM pipeline.deferral WHERE batch_id = ANY(%(batch_ids)s)

-- name: add_batches
INSERT INTO pipeline.batch (batch_id, tenant_id, campaign_id, step, content_id, provider, priority,
                            message_class, due_at, expires_at, size, zone, parked)
SELECT b.*, coalesce((SELECT reason FROM pipeline.poison WHERE subject = b.batch_id), '')
FROM unnest(%(batch_id)s::text[], %(tenant_id)s::text[], %(campaign_id)s::text[], %(step)s::int[],
            %(content_id)s::text[], %(provider)s::text[], %(priority)s::text[],
            %(message_class)s::text[], %(due_at)s::timestamptz[], %(expires_at)s::timestamptz[],
            %(size)s::int[], %(zone)s::text[]) AS b (batch_id)

-- name: drop_deferrals
DELETE FROM pipeline.deferral WHERE batch_id = ANY(%(batch_id)s)

-- name: add_deferrals
INSERT INTO pipeline.deferral (batch_id, n, ranges, reason, retry_after_s, at)
SELECT d.batch_id, d.n, d.ranges::int4multirange, d.reason, d.retry_after_s, d.at
FROM unnest(%(batch_id)s::text[], %(n)s::int[], %(ranges)s::text[], %(reason)s::text[],
            %(retry_after_s)s::int[], %(at)s::timestamptz[])
     AS d (batch_id, n, ranges, reason, retry_after_s, at)

-- name: put_sets
INSERT INTO pipeline.attempt_set (batch_id, n, scheduled, started, concluded, ambiguous, spoken, absent)
SELECT s.batch_id, s.n, s.scheduled::int4multirange, s.started::int4multirange,
       s.concluded::int4multirange, s.ambiguous::int4multirange, s.spoken::int4multirange,
       s.absent::int4multirange
FROM unnest(%(batch_id)s::text[], %(n)s::int[], %(scheduled)s::text[], %(started)s::text[],
            %(concluded)s::text[], %(ambiguous)s::text[], %(spoken)s::text[], %(absent)s::text[])
     AS s (batch_id, n, scheduled, started, concluded, ambiguous, spoken, absent)
ON CONFLICT (batch_id, n) DO UPDATE
SET scheduled = excluded.scheduled, started = excluded.started,
    concluded = excluded.concluded, ambiguous = excluded.ambiguous, spoken = excluded.spoken,
    absent = excluded.absent

-- name: shorten_waiting
-- What was started or concluded waits no more.
WITH gone AS (
  SELECT g.batch_id, g.n, g.ranges::int4multirange AS ranges
  FROM unnest(%(batch_id)s::text[], %(n)s::int[], %(ranges)s::text[]) AS g (batch_id, n, ranges)
), emptied AS (
  DELETE FROM pipeline.waiting w USING gone g
  WHERE w.batch_id = g.batch_id AND w.n = g.n AND w.ranges <@ g.ranges
)
UPDATE pipeline.waiting w
SET ranges = w.ranges - g.ranges, size = pipeline.sends(w.ranges - g.ranges)
FROM gone g
WHERE w.batch_id = g.batch_id AND w.n = g.n AND w.ranges && g.ranges AND NOT w.ranges <@ g.ranges

-- name: add_waiting
INSERT INTO pipeline.waiting (batch_id, n, due_at, tenant_id, campaign_id, provider, priority,
                              expires_at, ranges, size)
SELECT w.batch_id, w.n, w.due_at, b.tenant_id, b.campaign_id, b.provider, b.priority, w.expires_at,
       w.ranges::int4multirange, w.size
FROM unnest(%(batch_id)s::text[], %(n)s::int[], %(due_at)s::timestamptz[],
            %(expires_at)s::timestamptz[], %(ranges)s::text[], %(size)s::int[])
     AS w (batch_id, n, due_at, expires_at, ranges, size)
JOIN pipeline.batch b USING (batch_id)
ON CONFLICT (batch_id, n, due_at) DO UPDATE
SET ranges = pipeline.waiting.ranges + excluded.ranges,
    size = pipeline.sends(pipeline.waiting.ranges + excluded.ranges)

-- name: call
-- The releaser may be resting.
NOTIFY pm_waiting

-- name: start_releases
-- A claim made the row 'started' already; a row that is not so, or not there, is of a database that
-- was restored. Returns per newly folded start: what to charge as started, what to take off reserved.
WITH s AS (
  SELECT *, ranges::int4multirange AS mranges
  FROM unnest(%(release_id)s::text[], %(batch_id)s::text[], %(n)s::int[], %(number)s::int[],
              %(tenant_id)s::text[], %(campaign_id)s::text[], %(ip)s::text[], %(provider)s::text[],
              %(ranges)s::text[], %(size)s::int[], %(cap_day)s::date[], %(cap_per_day)s::int[],
              %(deadline_at)s::timestamptz[], %(owner)s::text[], %(journal)s::text[],
              %(at)s::timestamptz[], %(uses)s::text[])
       AS s (release_id, batch_id, n, number, tenant_id, campaign_id, ip, provider, ranges, size,
             cap_day, cap_per_day, deadline_at, owner, journal, at, uses)
), known AS (
  UPDATE pipeline.release r
  SET state = CASE WHEN r.state = 'concluded' THEN r.state ELSE 'started' END,
      owner = s.owner, journal = s.journal, deadline_at = s.deadline_at,
      claimed_at = coalesce(r.claimed_at, s.at), charged = 0, folded = s.size,
      uses = string_to_array(s.uses, E'\x1f')
  FROM s WHERE r.release_id = s.release_id AND r.folded = 0
  RETURNING r.ip, r.provider, r.cap_day, s.size AS started, old.charged AS returned,
    r.uses AS started_of, old.uses AS returned_to
), fresh AS (
  INSERT INTO pipeline.release (release_id, batch_id, n, number, tenant_id, campaign_id, provider,
    priority, ip, ranges, size, due_at, state, cap_day, cap_per_day, lease_until, owner, journal,
    claimed_at, deadline_at, folded, uses)
  SELECT s.release_id, s.batch_id, s.n, s.number, s.tenant_id, s.campaign_id, s.provider,
    coalesce(b.priority, 'normal'), s.ip, s.mranges, s.size, s.at, 'started', s.cap_day,
    s.cap_per_day, s.at, s.owner, s.journal, s.at, s.deadline_at, s.size,
    string_to_array(s.uses, E'\x1f')
  FROM s LEFT JOIN pipeline.batch b USING (batch_id)
  WHERE NOT EXISTS (SELECT FROM pipeline.release r WHERE r.release_id = s.release_id)
  RETURNING ip, provider, cap_day, folded AS started, 0 AS returned, uses AS started_of,
    '{}'::text[] AS returned_to
)
SELECT * FROM known UNION ALL SELECT * FROM fresh

-- name: conclude_releases
-- The charge of a release that no SliceStarted was read for stays reserved (it may have been sent
-- late), unless its owner said that no attempt was made of any of it.
WITH u AS (
  SELECT u.release_id, u.ranges::int4multirange AS ranges
  FROM unnest(%(unattempted_id)s::text[], %(unattempted)s::text[]) AS u (release_id, ranges)
), k AS (
  SELECT DISTINCT k.batch_id, k.n
  FROM unnest(%(batch_id)s::text[], %(n)s::int[]) AS k (batch_id, n)
)
UPDATE pipeline.release r
SET state = 'concluded',
    charged = CASE WHEN r.folded = 0 AND EXISTS
      (SELECT FROM u WHERE u.release_id = r.release_id AND r.ranges <@ u.ranges)
      THEN 0 ELSE r.charged END
FROM k JOIN pipeline.attempt_set a USING (batch_id, n)
WHERE r.batch_id = k.batch_id AND r.n = k.n AND r.state IN ('released', 'started', 'ending')
  AND r.ranges <@ a.concluded
RETURNING r.ip, r.provider, r.cap_day, 0 AS started, old.charged - new.charged AS returned,
  '{}'::text[] AS started_of, r.uses AS returned_to

-- name: void_releases
-- A release that nobody claimed, of sends that another release is known to have started: of a
-- database that was restored. It must never be claimed (I4); what is left of it waits again.
WITH k AS (
  SELECT DISTINCT k.batch_id, k.n
  FROM unnest(%(batch_id)s::text[], %(n)s::int[]) AS k (batch_id, n)
), voided AS (
  UPDATE pipeline.release r SET state = 'withdrawn', charged = 0
  FROM k JOIN pipeline.attempt_set a USING (batch_id, n)
  WHERE r.batch_id = k.batch_id AND r.n = k.n AND r.state = 'released'
    AND r.ranges && (a.started + a.concluded)
  RETURNING r.*, r.ranges - a.started - a.concluded AS remaining, old.charged AS returned
), again AS (
  INSERT INTO pipeline.waiting (batch_id, n, due_at, tenant_id, campaign_id, provider, priority,
                                expires_at, ranges, size)
  SELECT v.batch_id, v.n, v.due_at, b.tenant_id, b.campaign_id, b.provider, b.priority,
         b.expires_at, range_agg(part), sum(upper(part) - lower(part))
  FROM voided v JOIN pipeline.batch b USING (batch_id), unnest(v.remaining) AS part
  GROUP BY v.batch_id, v.n, v.due_at, b.batch_id
  ON CONFLICT (batch_id, n, due_at) DO UPDATE
  SET ranges = pipeline.waiting.ranges + excluded.ranges,
      size = pipeline.sends(pipeline.waiting.ranges + excluded.ranges)
)
SELECT ip, provider, cap_day, 0 AS started, returned, '{}'::text[] AS started_of,
  uses AS returned_to
FROM voided

-- name: charge_started
INSERT INTO pipeline.cap (ip, provider, day, started)
SELECT * FROM unnest(%(ip)s::text[], %(provider)s::text[], %(day)s::date[], %(started)s::bigint[])
ON CONFLICT (ip, provider, day) DO UPDATE SET started = pipeline.cap.started + excluded.started

-- name: return_reserved
UPDATE pipeline.cap c SET reserved = c.reserved - r.returned
FROM unnest(%(ip)s::text[], %(provider)s::text[], %(day)s::date[], %(returned)s::bigint[])
     AS r (ip, provider, day, returned)
WHERE c.ip = r.ip AND c.provider = r.provider AND c.day = r.day AND r.returned <> 0

-- name: start_uses
INSERT INTO pipeline.use AS u (scope, scope_id, provider, day, started)
SELECT * FROM unnest(%(scope)s::text[], %(scope_id)s::text[], %(provider)s::text[], %(day)s::date[],
                     %(started)s::bigint[])
ON CONFLICT (scope, scope_id, provider, day) DO UPDATE SET started = u.started + excluded.started

-- name: return_uses
UPDATE pipeline.use u SET reserved = u.reserved - r.returned
FROM unnest(%(scope)s::text[], %(scope_id)s::text[], %(provider)s::text[], %(day)s::date[],
            %(returned)s::bigint[]) AS r (scope, scope_id, provider, day, returned)
WHERE (u.scope, u.scope_id, u.provider, u.day) = (r.scope, r.scope_id, r.provider, r.day)
  AND r.returned <> 0

-- name: park
INSERT INTO pipeline.poison (subject, reason) VALUES (%(subject)s, %(reason)s)
ON CONFLICT (subject) DO NOTHING

-- name: park_batch
UPDATE pipeline.batch SET parked = %(reason)s WHERE batch_id = %(subject)s AND parked = ''
