-- name: page
SELECT campaign_id, state, reason, template_id, content_id, list_ids, priority, message_class,
  drafted_at, launched_at, expires_at, ended_at, planned_total
FROM rm.campaign
WHERE tenant_id = %(tenant_id)s AND (%(after)s = '' OR campaign_id < %(after)s)
ORDER BY campaign_id DESC LIMIT %(limit)s

-- name: one
SELECT campaign_id, state, reason, template_id, content_id, list_ids, priority, message_class,
  drafted_at, launched_at, expires_at, ended_at, planned_total
FROM rm.campaign WHERE tenant_id = %(tenant_id)s AND campaign_id = %(campaign_id)s

-- name: counters
SELECT campaign_id, provider, state, sends FROM rm.campaign_counters
WHERE tenant_id = %(tenant_id)s AND campaign_id = ANY(%(campaign_ids)s)
ORDER BY campaign_id, provider

-- name: released
-- Let go within the caps and not yet claimed by a worker.
SELECT campaign_id, sum(size)::bigint AS sends FROM pipeline.release
WHERE tenant_id = %(tenant_id)s AND campaign_id = ANY(%(campaign_ids)s) AND state = 'released'
GROUP BY campaign_id
