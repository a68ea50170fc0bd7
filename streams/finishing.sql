-- What finishing asks Postgres.

-- name: unfinished
-- Campaigns that may be at their end; role pm_worker.
SELECT campaign_id, tenant_id, total FROM pipeline.campaign
WHERE NOT settled AND total IS NOT NULL
ORDER BY campaign_id

-- name: counted
-- How many sends stand in each state; role pm_api, the tenant set.
SELECT state, sum(sends)::bigint FROM rm.campaign_counters
WHERE campaign_id = %(campaign_id)s GROUP BY state HAVING sum(sends) > 0
