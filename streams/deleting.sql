-- name: due
SELECT tenant_id, kind, subject, actor FROM app.duties_due(%(now)s, %(most)s)

-- name: unfinished_campaigns
-- Their waiting sends then end as cancelled, so that each requested send still has its end (I6).
SELECT campaign_id FROM pipeline.campaign
WHERE tenant_id = %(tenant_id)s AND state IN ('running', 'paused') ORDER BY campaign_id

-- name: destroy
SELECT app.destroy_tenant_rows(%(now)s, %(most)s)

-- name: done
DELETE FROM vault.duty
WHERE tenant_id = %(tenant_id)s AND kind = %(kind)s AND subject = %(subject)s
