-- name: add
-- Counters move. Deltas come once per counter; sums of counters take them by group.
WITH told AS (
  SELECT * FROM unnest(%(tenants)s::text[], %(campaigns)s::text[], %(buckets)s::timestamptz[],
    %(metrics)s::text[], %(steps)s::int[], %(providers)s::text[], %(ips)s::text[], %(sends)s::bigint[])
  AS t (tenant_id, campaign_id, bucket, metric, step, provider, ip, sends)
), total AS (
  INSERT INTO rm.send_stat_total_{v} AS s (tenant_id, bucket, metric, sends)
  SELECT tenant_id, bucket, metric, sum(sends) FROM told GROUP BY 1, 2, 3
  ON CONFLICT (tenant_id, bucket, metric) DO UPDATE SET sends = s.sends + excluded.sends
), day AS (
  INSERT INTO rm.send_stat_day_{v} AS s (tenant_id, day, metric, campaign_id, provider, ip, sends)
  SELECT tenant_id, (bucket AT TIME ZONE 'UTC')::date, metric, campaign_id, provider, ip, sum(sends)
  FROM told GROUP BY 1, 2, 3, 4, 5, 6
  ON CONFLICT (tenant_id, day, metric, campaign_id, provider, ip)
  DO UPDATE SET sends = s.sends + excluded.sends
), campaign AS (
  INSERT INTO rm.send_stat_campaign_{v} AS s (tenant_id, campaign_id, metric, step, provider, sends)
  SELECT tenant_id, campaign_id, metric, step, provider, sum(sends) FROM told GROUP BY 1, 2, 3, 4, 5
  ON CONFLICT (tenant_id, campaign_id, metric, step, provider)
  DO UPDATE SET sends = s.sends + excluded.sends
)
INSERT INTO rm.send_stat_{v} AS s (tenant_id, campaign_id, bucket, metric, step, provider, ip, sends)
SELECT tenant_id, campaign_id, bucket, metric, step, provider, ip, sends FROM told
ON CONFLICT (tenant_id, campaign_id, bucket, metric, step, provider, ip)
DO UPDATE SET sends = s.sends + excluded.sends

-- name: tidy
-- Counters that went down to 0 leave: a rebuild that never saw them up has no row either (I9).
WITH told AS (
  SELECT * FROM unnest(%(tenants)s::text[], %(campaigns)s::text[], %(buckets)s::timestamptz[],
    %(metrics)s::text[], %(steps)s::int[], %(providers)s::text[], %(ips)s::text[])
  AS t (tenant_id, campaign_id, bucket, metric, step, provider, ip)
), total AS (
  DELETE FROM rm.send_stat_total_{v} AS s USING told AS t
  WHERE s.tenant_id = t.tenant_id AND s.bucket = t.bucket AND s.metric = t.metric AND s.sends = 0
), day AS (
  DELETE FROM rm.send_stat_day_{v} AS s USING told AS t
  WHERE s.tenant_id = t.tenant_id AND s.day = (t.bucket AT TIME ZONE 'UTC')::date AND s.metric = t.metric
    AND s.campaign_id = t.campaign_id AND s.provider = t.provider AND s.ip = t.ip AND s.sends = 0
), campaign AS (
  DELETE FROM rm.send_stat_campaign_{v} AS s USING told AS t
  WHERE s.tenant_id = t.tenant_id AND s.campaign_id = t.campaign_id AND s.metric = t.metric
    AND s.step = t.step AND s.provider = t.provider AND s.sends = 0
)
DELETE FROM rm.send_stat_{v} AS s USING told AS t
WHERE s.tenant_id = t.tenant_id AND s.campaign_id = t.campaign_id AND s.bucket = t.bucket
  AND s.metric = t.metric AND s.step = t.step AND s.provider = t.provider AND s.ip = t.ip AND s.sends = 0

-- name: reasons
INSERT INTO rm.send_reason_{v} AS r (tenant_id, day, campaign_id, state, provider, reason, code, sends)
SELECT * FROM unnest(%(tenants)s::text[], %(days)s::date[], %(campaigns)s::text[], %(states)s::text[],
  %(providers)s::text[], %(reasons)s::text[], %(codes)s::int[], %(sends)s::bigint[])
ON CONFLICT (tenant_id, day, campaign_id, state, provider, reason, code)
DO UPDATE SET sends = r.sends + excluded.sends

-- name: tidy_reasons
DELETE FROM rm.send_reason_{v} AS r
USING unnest(%(tenants)s::text[], %(days)s::date[], %(campaigns)s::text[], %(states)s::text[],
    %(providers)s::text[], %(reasons)s::text[], %(codes)s::int[])
  AS t (tenant_id, day, campaign_id, state, provider, reason, code)
WHERE (r.tenant_id, r.day, r.campaign_id, r.state, r.provider, r.reason, r.code)
    = (t.tenant_id, t.day, t.campaign_id, t.state, t.provider, t.reason, t.code) AND r.sends = 0

-- name: use
INSERT INTO rm.usage_{v} AS u (tenant_id, period, sends)
SELECT * FROM unnest(%(tenants)s::text[], %(periods)s::date[], %(sends)s::bigint[])
ON CONFLICT (tenant_id, period) DO UPDATE SET sends = u.sends + excluded.sends

-- name: tidy_use
DELETE FROM rm.usage_{v} AS u
USING unnest(%(tenants)s::text[], %(periods)s::date[]) AS t (tenant_id, period)
WHERE u.tenant_id = t.tenant_id AND u.period = t.period AND u.sends = 0

-- name: known_kinds
-- What was said already of these sends.
SELECT DISTINCT tenant_id, send_id, kind FROM rm.send_signal_{v}
  JOIN unnest(%(tenants)s::text[], %(send_ids)s::text[]) AS t (tenant_id, send_id) USING (tenant_id, send_id)

-- name: keep
-- Signals, each once; those whose send is in the ledger come back with its place and IP.
WITH told AS (
  SELECT * FROM unnest(%(tenants)s::text[], %(send_ids)s::text[], %(event_ids)s::text[],
    %(kinds)s::text[], %(firsts)s::bool[], %(ats)s::timestamptz[], %(reasons)s::text[], %(codes)s::int[],
    %(enhanceds)s::text[], %(topics)s::text[], %(parts)s::int[], %(offs)s::bigint[])
  AS t (tenant_id, send_id, event_id, kind, first, at, reason, code, enhanced, topic, part, off)
), kept AS (
  INSERT INTO rm.send_signal_{v}
  SELECT t.*, l.batch_id, l.idx FROM told AS t
    LEFT JOIN rm.send_ledger_{v} AS l ON l.send_id = t.send_id AND l.tenant_id = t.tenant_id
  ON CONFLICT DO NOTHING
  RETURNING tenant_id, batch_id, idx, kind, first, at
)
SELECT k.tenant_id, b.campaign_id, b.step, b.provider, l.ip, k.kind, k.first, k.at
FROM kept AS k JOIN rm.send_ledger_{v} AS l USING (tenant_id, batch_id, idx)
  JOIN rm.send_batch_{v} AS b USING (tenant_id, batch_id)

-- name: early
-- Whether any signal still waits for its send.
SELECT EXISTS (SELECT FROM rm.send_signal_{v} WHERE batch_id IS NULL)

-- name: adopt
-- Signals that came before the plan of their batch learn their place.
WITH found AS (
  UPDATE rm.send_signal_{v} AS s SET batch_id = l.batch_id, idx = l.idx
  FROM unnest(%(tenants)s::text[], %(batches)s::text[]) AS b (tenant_id, batch_id)
    JOIN rm.send_ledger_{v} AS l USING (tenant_id, batch_id)
  WHERE s.tenant_id = l.tenant_id AND s.send_id = l.send_id AND s.batch_id IS NULL
  RETURNING s.tenant_id, s.batch_id, s.idx, s.kind, s.first, s.at
)
SELECT f.tenant_id, b.campaign_id, b.step, b.provider, l.ip, f.kind, f.first, f.at
FROM found AS f JOIN rm.send_ledger_{v} AS l USING (tenant_id, batch_id, idx)
  JOIN rm.send_batch_{v} AS b USING (tenant_id, batch_id)

-- name: of_batches
-- The signals of batches whose rows are about to move, under the IP that each send has now.
SELECT s.tenant_id, b.campaign_id, b.step, b.provider, l.ip, s.kind, s.first, s.at
FROM unnest(%(tenants)s::text[], %(batches)s::text[]) AS t (tenant_id, batch_id)
  JOIN rm.send_signal_{v} AS s USING (tenant_id, batch_id)
  JOIN rm.send_ledger_{v} AS l ON l.tenant_id = s.tenant_id AND l.batch_id = s.batch_id AND l.idx = s.idx
  JOIN rm.send_batch_{v} AS b ON b.tenant_id = s.tenant_id AND b.batch_id = s.batch_id
WHERE s.batch_id IS NOT NULL
