-- What contacts are burdened with, within the claim's transaction: role pm_dispatcher, the tenant set.

-- name: charge
-- Returns who may be mailed, and counts the mail. A contact's row is held until the claim commits: of
-- two claims one waits, and then sees what the other counted. In one order, so that none wait for each
-- other. A mail of this batch that was counted before is this one, tried or claimed again.
INSERT INTO vault.contact_burden AS m (tenant_id, contact_id, batches, until)
SELECT app.tenant(), w.contact_id, ARRAY[%(batch_id)s::text], ARRAY[%(until)s::timestamptz]
FROM (SELECT DISTINCT unnest(%(contact_ids)s::text[]) AS contact_id) w
ORDER BY w.contact_id COLLATE "C"
ON CONFLICT (tenant_id, contact_id) DO UPDATE
SET (batches, until) = (
  SELECT array_agg(o.batch ORDER BY o.at), array_agg(o.at ORDER BY o.at) FROM (
    SELECT * FROM unnest(m.batches, m.until) AS o (batch, at)
    WHERE o.batch <> %(batch_id)s
      AND o.at > clock_timestamp() - make_interval(hours => greatest(24, %(gap_h)s))
    UNION ALL SELECT %(batch_id)s, %(until)s
  ) AS o (batch, at))
WHERE (
  SELECT coalesce(%(gap_h)s = 0 OR max(o.at) <= clock_timestamp() - make_interval(hours => %(gap_h)s), true)
    AND count(*) FILTER (WHERE o.at > clock_timestamp() - interval '24 hours') < %(per_day)s
  FROM unnest(m.batches, m.until) AS o (batch, at) WHERE o.batch <> %(batch_id)s)
RETURNING contact_id

-- name: put_off
-- Of who may not: how long still, and how often this send was put off, this time too. An attempt
-- counts once, however often it is claimed.
WITH tired AS (
  SELECT m.contact_id, greatest(max(o.at) + make_interval(hours => nullif(%(gap_h)s, 0)),
    (array_agg(o.at ORDER BY o.at DESC))[%(per_day)s] + interval '24 hours') AS allowed_at
  FROM vault.contact_burden m, unnest(m.batches, m.until) AS o (batch, at)
  WHERE m.contact_id = ANY(%(contact_ids)s) AND o.batch <> %(batch_id)s
  GROUP BY m.contact_id
)
UPDATE vault.contact_burden m
SET (delays, delayed_at) = (
  SELECT array_agg(d.attempt ORDER BY d.at), array_agg(d.at ORDER BY d.at) FROM (
    SELECT * FROM unnest(m.delays, m.delayed_at) AS d (attempt, at)
    WHERE d.attempt <> %(attempt)s AND d.at > clock_timestamp() - interval '31 days'
    UNION ALL SELECT %(attempt)s, clock_timestamp()
  ) AS d (attempt, at))
FROM tired t WHERE m.contact_id = t.contact_id
RETURNING m.contact_id, extract(epoch FROM t.allowed_at - clock_timestamp())::float8,
  (SELECT count(*) FROM unnest(m.delays) AS d (attempt)
   WHERE split_part(d.attempt, '/', 1) = %(batch_id)s)::int
