-- The releaser's statements. Each runs under the schedule's lock (streams/schedule/fold.sql), so what
-- one of them read still holds when the next writes.

-- name: lead
-- One releaser is active; it is so for as long as its connection lives.
SELECT pg_try_advisory_lock(7700020)

-- name: listen
-- The schedule calls when something new waits (streams/schedule/fold.sql).
LISTEN pm_waiting

-- name: now
-- Rows are judged by Postgres's clock (design-fixes.md 15). May anything be released at all?
SELECT clock_timestamp() AS now,
       g.open AND g.incarnation = pipeline.incarnation() AS open,
       coalesce(f.caught_up_at > clock_timestamp() - make_interval(secs => %(freshness_max_s)s), false)
         AS fresh
FROM pipeline.gate g LEFT JOIN app.freshness f ON f.reader = 'schedule'

-- name: campaigns
-- The campaigns that have anything waiting, by a walk over the index from one to the next.
WITH RECURSIVE at AS (
  (SELECT campaign_id FROM pipeline.waiting ORDER BY campaign_id LIMIT 1)
  UNION ALL
  SELECT (SELECT w.campaign_id FROM pipeline.waiting w WHERE w.campaign_id > at.campaign_id
          ORDER BY w.campaign_id LIMIT 1)
  FROM at WHERE at.campaign_id IS NOT NULL
)
SELECT c.campaign_id, c.state, c.ips, t.may_send, c.tenant_id, c.domain_id, c.mailbox_id, c.pool_id,
  t.daily_limit, c.daily_limit, CASE WHEN m.may_send THEN m.daily_limit WHEN m.may_send IS FALSE THEN 0 END,
  CASE WHEN t.sends_per_month IS NOT NULL THEN
    t.sends_per_month - (SELECT coalesce(sum(u.started + u.reserved), 0) FROM pipeline.use u
      WHERE u.scope = 'plan' AND u.scope_id = t.tenant_id AND u.provider = ''
        AND u.day >= date_trunc('month', today)::date AND u.day < today)::bigint END
FROM at JOIN pipeline.campaign c USING (campaign_id) JOIN pipeline.tenant t USING (tenant_id)
LEFT JOIN pipeline.mailbox m USING (mailbox_id),
(SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date AS today) clock

-- name: lanes
SELECT i.ip, coalesce(sum(r.size), 0)::int AS released
FROM pipeline.ip i LEFT JOIN pipeline.release r ON r.ip = i.ip AND r.state = 'released'
WHERE i.ip = ANY(%(ips)s) AND NOT i.retired
GROUP BY i.ip

-- name: rules
SELECT ip, provider, cap_set, cap_per_day, rate_set, rate_per_s, burst
FROM pipeline.cap_rule WHERE ip = ANY(%(ips)s)

-- name: tight
-- The cells that take in less than a lane does: how many sends are left of cap and bucket.
SELECT c.ip, c.provider, (rule.cap_per_day - c.started - c.reserved)::float8 AS sends_left
FROM pipeline.cap c CROSS JOIN LATERAL (
  SELECT r.cap_per_day FROM pipeline.cap_rule r
  WHERE r.ip = c.ip AND r.provider IN (c.provider, '*') AND r.cap_set
  ORDER BY r.provider = '*' LIMIT 1
) rule
WHERE c.day = %(today)s AND c.ip = ANY(%(ips)s)
  AND rule.cap_per_day - c.started - c.reserved < %(depth)s
UNION ALL
SELECT b.ip, b.provider, held.tokens
FROM pipeline.bucket b CROSS JOIN LATERAL (
  SELECT r.rate_per_s, r.burst FROM pipeline.cap_rule r
  WHERE r.ip = b.ip AND r.provider IN (b.provider, '*') AND r.rate_set
  ORDER BY r.provider = '*' LIMIT 1
) rule CROSS JOIN LATERAL (
  SELECT least(rule.burst, b.tokens + rule.rate_per_s
    * greatest(0, extract(epoch FROM %(now)s - b.refilled_at)))::float8 AS tokens
) held
WHERE b.ip = ANY(%(ips)s) AND held.tokens < %(depth)s

-- name: due
-- Per campaign its first rows, as many as the lanes take; retries before new mail. Providers that are
-- shut are left out; those that are tight are looked up one by one, so that what waits for them does
-- not hide what is behind.
SELECT w.batch_id, w.n, w.due_at, w.tenant_id, w.campaign_id, w.provider, w.priority, w.ranges::text
FROM jsonb_to_recordset(%(wanted)s)
  AS q (campaign_id text, shut text[], tight text[], "only" text[], shut_zones text[])
CROSS JOIN LATERAL (
  SELECT w.*, sum(w.size) OVER (ROWS UNBOUNDED PRECEDING) - w.size AS sends_before
  FROM (
    SELECT w.* FROM pipeline.waiting w JOIN pipeline.batch b USING (batch_id)
    WHERE w.campaign_id = q.campaign_id AND w.due_at <= %(now)s AND w.expires_at > %(now)s
      AND b.parked = '' AND w.provider <> ALL(q.shut || q.tight) AND b.zone <> ALL(q.shut_zones)
      AND (q."only" IS NULL OR w.provider = ANY(q."only"))
    ORDER BY w.n DESC, w.due_at, w.batch_id LIMIT %(rows_max)s
  ) w
  UNION ALL
  SELECT w.*, 0 FROM unnest(q.tight) AS t (provider) CROSS JOIN LATERAL (
    SELECT w.* FROM pipeline.waiting w JOIN pipeline.batch b USING (batch_id)
    WHERE w.campaign_id = q.campaign_id AND w.provider = t.provider
      AND w.due_at <= %(now)s AND w.expires_at > %(now)s AND b.parked = ''
      AND b.zone <> ALL(q.shut_zones)
    ORDER BY w.n DESC, w.due_at, w.batch_id LIMIT %(tight_rows_max)s
  ) w
) w
WHERE w.sends_before < %(depth)s
ORDER BY w.n DESC, w.due_at, w.batch_id

-- name: used
SELECT ip, provider, (started + reserved)::int AS used FROM pipeline.cap
WHERE day = %(today)s AND ip = ANY(%(ips)s) AND provider = ANY(%(providers)s)

-- name: buckets
SELECT ip, provider, tokens, refilled_at FROM pipeline.bucket
WHERE ip = ANY(%(ips)s) AND provider = ANY(%(providers)s)

-- name: deficits
SELECT priority, tenant_id, deficit FROM pipeline.deficit

-- name: numbers
-- The highest release number of each (batch, n).
SELECT r.batch_id, r.n, max(r.number)
FROM pipeline.release r
JOIN (SELECT DISTINCT * FROM unnest(%(batch_id)s::text[], %(n)s::int[])) AS k (batch_id, n)
  ON r.batch_id = k.batch_id AND r.n = k.n
GROUP BY r.batch_id, r.n

-- name: take
WITH taken AS (
  SELECT t.batch_id, t.n, t.due_at, t.ranges::int4multirange AS ranges
  FROM unnest(%(batch_id)s::text[], %(n)s::int[], %(due_at)s::timestamptz[], %(ranges)s::text[])
       AS t (batch_id, n, due_at, ranges)
), emptied AS (
  DELETE FROM pipeline.waiting w USING taken t
  WHERE (w.batch_id, w.n, w.due_at) = (t.batch_id, t.n, t.due_at) AND w.ranges <@ t.ranges
)
UPDATE pipeline.waiting w
SET ranges = w.ranges - t.ranges, size = pipeline.sends(w.ranges - t.ranges)
FROM taken t
WHERE (w.batch_id, w.n, w.due_at) = (t.batch_id, t.n, t.due_at) AND NOT w.ranges <@ t.ranges

-- name: release
INSERT INTO pipeline.release (release_id, batch_id, n, number, tenant_id, campaign_id, provider,
  priority, ip, ranges, size, due_at, state, outcome, reason, cap_day, cap_per_day, lease_until,
  charged, epoch, uses)
SELECT r.release_id, r.batch_id, r.n, r.number, r.tenant_id, r.campaign_id, r.provider, r.priority,
  r.ip, r.ranges::int4multirange, r.size, r.due_at, %(state)s, r.outcome, r.reason, %(today)s,
  r.cap_per_day, %(lease_until)s, CASE WHEN %(state)s = 'released' THEN r.size ELSE 0 END,
  (SELECT epoch FROM pipeline.gate), string_to_array(r.uses, E'\x1f')
FROM unnest(%(release_id)s::text[], %(batch_id)s::text[], %(n)s::int[], %(number)s::int[],
            %(tenant_id)s::text[], %(campaign_id)s::text[], %(provider)s::text[],
            %(priority)s::text[], %(ip)s::text[], %(ranges)s::text[], %(size)s::int[],
            %(due_at)s::timestamptz[], %(outcome)s::text[], %(reason)s::text[],
            %(cap_per_day)s::int[], %(uses)s::text[])
     AS r (release_id, batch_id, n, number, tenant_id, campaign_id, provider, priority, ip, ranges,
           size, due_at, outcome, reason, cap_per_day, uses)

-- name: open_cells
INSERT INTO pipeline.cap (ip, provider, day)
SELECT c.ip, c.provider, %(today)s
FROM unnest(%(ip)s::text[], %(provider)s::text[]) AS c (ip, provider)
ON CONFLICT DO NOTHING

-- name: charge
-- As many rows as cells, or a cap would be exceeded and nothing of this may be committed (I7).
UPDATE pipeline.cap c SET reserved = c.reserved + k.size
FROM unnest(%(ip)s::text[], %(provider)s::text[], %(size)s::int[], %(cap_per_day)s::int[])
     AS k (ip, provider, size, cap_per_day)
WHERE c.ip = k.ip AND c.provider = k.provider AND c.day = %(today)s
  AND (k.cap_per_day IS NULL OR c.started + c.reserved + k.size <= k.cap_per_day)

-- name: open_uses
INSERT INTO pipeline.use (scope, scope_id, provider, day)
SELECT u.scope, u.scope_id, u.provider, %(today)s
FROM unnest(%(scope)s::text[], %(scope_id)s::text[], %(provider)s::text[]) AS u (scope, scope_id, provider)
ON CONFLICT DO NOTHING

-- name: charge_uses
-- As `charge`, for what is wider than a cell; `most`: of today, NULL where nothing binds.
UPDATE pipeline.use u SET reserved = u.reserved + k.size
FROM unnest(%(scope)s::text[], %(scope_id)s::text[], %(provider)s::text[], %(size)s::bigint[],
            %(most)s::bigint[]) AS k (scope, scope_id, provider, size, most)
WHERE (u.scope, u.scope_id, u.provider) = (k.scope, k.scope_id, k.provider) AND u.day = %(today)s
  AND (k.most IS NULL OR u.started + u.reserved + k.size <= k.most)

-- name: put_buckets
INSERT INTO pipeline.bucket (ip, provider, tokens, refilled_at)
SELECT b.ip, b.provider, b.tokens, %(now)s
FROM unnest(%(ip)s::text[], %(provider)s::text[], %(tokens)s::float8[]) AS b (ip, provider, tokens)
ON CONFLICT (ip, provider) DO UPDATE SET tokens = excluded.tokens, refilled_at = excluded.refilled_at

-- name: put_deficits
INSERT INTO pipeline.deficit (priority, tenant_id, deficit)
SELECT * FROM unnest(%(priority)s::text[], %(tenant_id)s::text[], %(deficit)s::bigint[])
ON CONFLICT (priority, tenant_id) DO UPDATE SET deficit = excluded.deficit

-- name: drop_deficits
DELETE FROM pipeline.deficit d USING unnest(%(priority)s::text[], %(tenant_id)s::text[])
  AS k (priority, tenant_id)
WHERE d.priority = k.priority AND d.tenant_id = k.tenant_id

-- name: produced
UPDATE pipeline.release SET produced_at = clock_timestamp()
WHERE release_id = ANY(%(release_ids)s) AND state IN ('released', 'ending')

-- name: withdraw
-- What was released and must not be claimed any more; its sends wait again and its charge is given
-- back. A claim that came first keeps its release. Past its cap day it is charged anew later.
WITH why AS (
  SELECT r.release_id, CASE
    WHEN c.state IS DISTINCT FROM 'running' THEN 'campaign ' || coalesce(c.state, 'unknown')
    WHEN t.may_send IS DISTINCT FROM true THEN 'tenant suspended'
    WHEN b.parked IS DISTINCT FROM '' THEN 'batch parked'
    WHEN i.gone IS DISTINCT FROM false THEN 'sending IP retired'
    WHEN i.quarantined THEN 'sending IP in quarantine'
    WHEN i.retired THEN 'VPS out of service'
    WHEN b.expires_at <= %(now)s THEN 'expired'
    WHEN r.cap_day < %(today)s THEN 'past its cap day'
    WHEN r.leave_by <= %(now)s THEN 'outside its sending window'
    ELSE pipeline.breaker_against(r.ip, r.provider, c.domain_id, r.tenant_id, r.campaign_id, r.uses)
  END AS reason
  FROM pipeline.release r
  LEFT JOIN pipeline.campaign c USING (campaign_id)
  LEFT JOIN pipeline.tenant t ON t.tenant_id = r.tenant_id
  LEFT JOIN pipeline.batch b ON b.batch_id = r.batch_id
  LEFT JOIN pipeline.ip i ON i.ip = r.ip
  WHERE r.state = 'released'
), withdrawn AS (
  UPDATE pipeline.release r SET state = 'withdrawn', reason = why.reason, charged = 0
  FROM why
  WHERE r.release_id = why.release_id AND why.reason IS NOT NULL AND r.state = 'released'
  RETURNING r.*, old.charged AS returned
), again AS (
  INSERT INTO pipeline.waiting (batch_id, n, due_at, tenant_id, campaign_id, provider, priority,
                                expires_at, ranges, size)
  SELECT w.batch_id, w.n, w.due_at, b.tenant_id, b.campaign_id, b.provider, b.priority,
         b.expires_at, range_agg(part), sum(upper(part) - lower(part))
  FROM withdrawn w JOIN pipeline.batch b USING (batch_id)
  LEFT JOIN pipeline.attempt_set a USING (batch_id, n),
  unnest(w.ranges - coalesce(a.started + a.concluded, '{}')) AS part
  GROUP BY w.batch_id, w.n, w.due_at, b.batch_id
  ON CONFLICT (batch_id, n, due_at) DO UPDATE
  SET ranges = pipeline.waiting.ranges + excluded.ranges,
      size = pipeline.sends(pipeline.waiting.ranges + excluded.ranges)
), returned AS (
  UPDATE pipeline.cap c SET reserved = c.reserved - back.sends
  FROM (SELECT ip, provider, cap_day, sum(returned) AS sends FROM withdrawn GROUP BY 1, 2, 3) back
  WHERE c.ip = back.ip AND c.provider = back.provider AND c.day = back.cap_day
), returned_uses AS (
  UPDATE pipeline.use u SET reserved = u.reserved - back.sends
  FROM (SELECT split_part(name, ':', 1) AS scope, split_part(name, ':', 2) AS scope_id,
          regexp_replace(name, '^[^:]*:[^:]*:', '') AS provider, cap_day, sum(returned) AS sends
        FROM withdrawn, unnest(uses) AS name GROUP BY 1, 2, 3, 4) back
  WHERE (u.scope, u.scope_id, u.provider) = (back.scope, back.scope_id, back.provider)
    AND u.day = back.cap_day
)
SELECT count(*)::int, coalesce(sum(size), 0)::int FROM withdrawn

-- name: renew
-- Released but never told, or told and not claimed in time: told (again) under the same id.
UPDATE pipeline.release SET lease_until = %(lease_until)s, produced_at = NULL,
  epoch = (SELECT epoch FROM pipeline.gate)
WHERE state = 'released' AND (produced_at IS NULL OR lease_until <= %(now)s)
RETURNING release_id, batch_id, tenant_id, campaign_id, n, ip, provider, priority, size, lease_until

-- name: endings
-- Sends that wait no more: their campaign was cancelled, or their time is over.
SELECT w.batch_id, w.n, w.due_at, w.tenant_id, w.campaign_id, w.provider, w.priority,
       w.ranges::text,
       CASE WHEN c.state = 'cancelled' THEN 'cancelled' ELSE 'expired' END AS outcome,
       CASE WHEN c.state = 'cancelled' THEN 'campaign cancelled' ELSE 'not sent in time' END AS reason
FROM pipeline.waiting w
JOIN pipeline.batch b USING (batch_id) LEFT JOIN pipeline.campaign c ON c.campaign_id = w.campaign_id
WHERE (w.campaign_id = ANY(%(cancelled)s) OR w.expires_at <= %(now)s) AND b.parked = ''
LIMIT %(rows_max)s

-- name: untold_endings
UPDATE pipeline.release SET lease_until = %(lease_until)s, produced_at = NULL
WHERE state = 'ending' AND (produced_at IS NULL OR lease_until <= %(now)s)
RETURNING release_id, batch_id, tenant_id, campaign_id, n, ranges::text, outcome, reason
