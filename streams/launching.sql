-- What launching asks Postgres; role pm_worker.

-- name: due
-- Campaigns whose moment has come and of which nothing else was heard since. Those of a tenant that is
-- being imported never launch by themselves: the import ends them.
SELECT campaign_id, tenant_id, at FROM pipeline.scheduled_launch AS l
WHERE at <= %(now)s
  AND NOT EXISTS (SELECT FROM pipeline.held_tenant AS h WHERE h.tenant_id = l.tenant_id)
ORDER BY at, campaign_id LIMIT %(at_once)s
