-- What launching asks Postgres; role pm_worker.

-- name: due
-- Campaigns whose moment has come and of which nothing else was heard since.
SELECT campaign_id, tenant_id, at FROM pipeline.scheduled_launch
WHERE at <= %(now)s ORDER BY at, campaign_id LIMIT %(at_once)s
