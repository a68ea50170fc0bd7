-- name: series
-- The tenant's counters between edges; n counts edges from 1.
SELECT width_bucket(bucket, %(edges)s::timestamptz[]) AS n, metric, sum(sends)::bigint AS sends
FROM rm.send_stat_total
WHERE tenant_id = %(tenant_id)s AND bucket >= %(start)s AND bucket < %(end)s
GROUP BY 1, 2

-- name: series_of_campaign
SELECT width_bucket(bucket, %(edges)s::timestamptz[]) AS n, metric, sum(sends)::bigint AS sends
FROM rm.send_stat
WHERE tenant_id = %(tenant_id)s AND campaign_id = %(campaign_id)s
  AND bucket >= %(start)s AND bucket < %(end)s
GROUP BY 1, 2

-- name: series_of_workspaces
SELECT width_bucket(s.bucket, %(edges)s::timestamptz[]) AS n, s.metric, sum(s.sends)::bigint AS sends
FROM rm.send_stat AS s
  LEFT JOIN vault.workspace_of AS w ON w.tenant_id = s.tenant_id AND w.id = s.campaign_id
WHERE s.tenant_id = %(tenant_id)s AND s.bucket >= %(start)s AND s.bucket < %(end)s
  AND coalesce(w.workspace_id, '') = ANY(%(workspaces)s)
GROUP BY 1, 2

-- name: cells
-- By provider, IP or campaign: whole UTC days from their sums, the rest from quarters of an hour.
SELECT CASE %(by)s WHEN 'provider' THEN provider WHEN 'ip' THEN ip ELSE campaign_id END AS key,
  metric, sum(sends)::bigint AS sends
FROM (
  SELECT campaign_id, provider, ip, metric, sends FROM rm.send_stat_day
  WHERE tenant_id = %(tenant_id)s AND day >= %(first_day)s AND day < %(last_day)s
  UNION ALL
  SELECT campaign_id, provider, ip, metric, sends FROM rm.send_stat
  WHERE tenant_id = %(tenant_id)s AND bucket >= %(start)s AND bucket < %(days_start)s
  UNION ALL
  SELECT campaign_id, provider, ip, metric, sends FROM rm.send_stat
  WHERE tenant_id = %(tenant_id)s AND bucket >= %(days_end)s AND bucket < %(end)s
) AS c
WHERE %(workspaces)s::text[] IS NULL OR coalesce((
  SELECT w.workspace_id FROM vault.workspace_of AS w
  WHERE w.tenant_id = %(tenant_id)s AND w.id = c.campaign_id), '') = ANY(%(workspaces)s)
GROUP BY 1, 2

-- name: top_campaigns
-- As `cells` by campaign, of those that sent most, with their names.
WITH cell AS MATERIALIZED (
  SELECT campaign_id, metric, sum(sends)::bigint AS sends FROM (
    SELECT campaign_id, metric, sends FROM rm.send_stat_day
    WHERE tenant_id = %(tenant_id)s AND day >= %(first_day)s AND day < %(last_day)s
    UNION ALL
    SELECT campaign_id, metric, sends FROM rm.send_stat
    WHERE tenant_id = %(tenant_id)s AND bucket >= %(start)s AND bucket < %(days_start)s
    UNION ALL
    SELECT campaign_id, metric, sends FROM rm.send_stat
    WHERE tenant_id = %(tenant_id)s AND bucket >= %(days_end)s AND bucket < %(end)s
  ) AS c
  WHERE campaign_id <> '' AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = %(tenant_id)s AND w.id = c.campaign_id), '') = ANY(%(workspaces)s))
  GROUP BY 1, 2
), top AS (
  SELECT campaign_id FROM cell GROUP BY campaign_id
  ORDER BY coalesce(sum(sends) FILTER (WHERE metric = ANY(%(sent)s)), 0) DESC,
    coalesce(sum(sends) FILTER (WHERE metric = 'requested'), 0) DESC, campaign_id COLLATE "C"
  LIMIT %(limit)s
)
SELECT campaign_id AS key, metric, sends, coalesce((
  SELECT l.label FROM vault.label AS l
  WHERE l.tenant_id = %(tenant_id)s AND l.id = campaign_id), '') AS name
FROM top JOIN cell USING (campaign_id)

-- name: of_campaign
SELECT CASE %(by)s WHEN 'step' THEN step::text WHEN 'provider' THEN provider ELSE '' END AS key,
  metric, sum(sends)::bigint AS sends
FROM rm.send_stat_campaign WHERE tenant_id = %(tenant_id)s AND campaign_id = %(campaign_id)s
GROUP BY 1, 2

-- name: of_campaigns
SELECT campaign_id AS key, metric, sum(sends)::bigint AS sends FROM rm.send_stat_campaign
WHERE tenant_id = %(tenant_id)s AND campaign_id = ANY(%(campaign_ids)s)
GROUP BY 1, 2

-- name: of_campaign_by_ip
SELECT ip AS key, metric, sum(sends)::bigint AS sends FROM rm.send_stat
WHERE tenant_id = %(tenant_id)s AND campaign_id = %(campaign_id)s GROUP BY 1, 2

-- name: life_of_campaign
-- From when to when anything happened to its sends.
SELECT min(bucket) AS first, max(bucket) AS last FROM rm.send_stat
WHERE tenant_id = %(tenant_id)s AND campaign_id = %(campaign_id)s

-- name: reasons
SELECT state, reason, code, sum(sends)::bigint AS sends FROM rm.send_reason AS r
WHERE tenant_id = %(tenant_id)s AND day >= %(first_day)s AND day <= %(last_day)s
  AND state = ANY(%(states)s) AND (%(provider)s = '' OR provider = %(provider)s)
  AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = %(tenant_id)s AND w.id = r.campaign_id), '') = ANY(%(workspaces)s))
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT %(limit)s

-- name: reasons_of_campaign
SELECT state, reason, code, sum(sends)::bigint AS sends FROM rm.send_reason
WHERE tenant_id = %(tenant_id)s AND campaign_id = %(campaign_id)s AND state = ANY(%(states)s)
  AND (%(provider)s = '' OR provider = %(provider)s)
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT %(limit)s

-- name: campaign_states
SELECT state, count(*) AS campaigns FROM rm.campaign AS c
WHERE tenant_id = %(tenant_id)s AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = %(tenant_id)s AND w.id = c.campaign_id), '') = ANY(%(workspaces)s))
GROUP BY state

-- name: campaign
SELECT 1 FROM rm.campaign AS c WHERE tenant_id = %(tenant_id)s AND campaign_id = %(campaign_id)s
  AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = %(tenant_id)s AND w.id = c.campaign_id), '') = ANY(%(workspaces)s))
