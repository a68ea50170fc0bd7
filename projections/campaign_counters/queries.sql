-- name: page
SELECT c.campaign_id, coalesce(l.label, '') AS name, coalesce(w.workspace_id, '') AS workspace_id,
  c.state, c.reason, c.template_id, c.content_id, c.list_ids, c.priority, c.message_class,
  c.drafted_at, c.launched_at, c.expires_at, c.ended_at, c.planned_total
FROM rm.campaign c
LEFT JOIN vault.label l ON l.tenant_id = c.tenant_id AND l.id = c.campaign_id
LEFT JOIN vault.workspace_of w ON w.tenant_id = c.tenant_id AND w.id = c.campaign_id
WHERE c.tenant_id = %(tenant_id)s AND (%(after)s = '' OR c.campaign_id < %(after)s)
  AND (%(state)s = '' OR c.state = %(state)s)
  AND (%(workspace_id)s::text IS NULL OR coalesce(w.workspace_id, '') = %(workspace_id)s)
  AND (%(workspaces)s::text[] IS NULL OR coalesce(w.workspace_id, '') = ANY(%(workspaces)s))
  AND (%(since)s::timestamptz IS NULL OR c.drafted_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR c.drafted_at < %(until)s)
ORDER BY c.campaign_id DESC LIMIT %(limit)s

-- name: one
SELECT c.campaign_id, coalesce(l.label, '') AS name, coalesce(w.workspace_id, '') AS workspace_id,
  c.state, c.reason, c.template_id, c.content_id, c.list_ids, c.priority, c.message_class,
  c.drafted_at, c.launched_at, c.expires_at, c.ended_at, c.planned_total
FROM rm.campaign c
LEFT JOIN vault.label l ON l.tenant_id = c.tenant_id AND l.id = c.campaign_id
LEFT JOIN vault.workspace_of w ON w.tenant_id = c.tenant_id AND w.id = c.campaign_id
WHERE c.tenant_id = %(tenant_id)s AND c.campaign_id = %(campaign_id)s
  AND (%(workspaces)s::text[] IS NULL OR coalesce(w.workspace_id, '') = ANY(%(workspaces)s))

-- name: counters
SELECT campaign_id, provider, state, sends FROM rm.campaign_counters
WHERE tenant_id = %(tenant_id)s AND campaign_id = ANY(%(campaign_ids)s)
ORDER BY campaign_id, provider

-- name: released
-- Let go within the caps and not yet claimed by a worker.
SELECT campaign_id, sum(size)::bigint AS sends FROM pipeline.release
WHERE tenant_id = %(tenant_id)s AND campaign_id = ANY(%(campaign_ids)s) AND state = 'released'
GROUP BY campaign_id
