-- Sends of a tenant, newest batch first. First the batches that have what is looked for, by an index
-- that says how many; then the rows of as many batches as fill the page.

-- name: batches
SELECT b.requested_at, b.batch_id, b.size AS sends FROM rm.send_batch AS b
WHERE b.tenant_id = %(tenant_id)s AND b.requested_at >= %(since)s AND b.requested_at < %(until)s
  AND (b.requested_at, b.batch_id) <= (%(at)s, %(batch_id)s)
  AND (%(provider)s = '' OR b.provider = %(provider)s)
  AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = b.tenant_id AND w.id = b.campaign_id), '') = ANY(%(workspaces)s))
ORDER BY b.requested_at DESC, b.batch_id DESC LIMIT %(limit)s

-- name: batches_of_campaign
SELECT b.requested_at, b.batch_id, b.size AS sends FROM rm.send_batch AS b
WHERE b.tenant_id = %(tenant_id)s AND b.campaign_id = %(campaign_id)s
  AND b.requested_at >= %(since)s AND b.requested_at < %(until)s
  AND (b.requested_at, b.batch_id) <= (%(at)s, %(batch_id)s)
  AND (%(provider)s = '' OR b.provider = %(provider)s)
  AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = b.tenant_id AND w.id = b.campaign_id), '') = ANY(%(workspaces)s))
ORDER BY b.requested_at DESC, b.batch_id DESC LIMIT %(limit)s

-- name: parts_by_state
SELECT p.requested_at, p.batch_id, sum(p.sends)::int AS sends FROM rm.send_part AS p
WHERE p.tenant_id = %(tenant_id)s AND p.state = %(state)s
  AND p.requested_at >= %(since)s AND p.requested_at < %(until)s
  AND (p.requested_at, p.batch_id) <= (%(at)s, %(batch_id)s)
  AND (%(provider)s = '' OR p.provider = %(provider)s) AND (%(ip)s = '' OR p.ip = %(ip)s)
  AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = p.tenant_id AND w.id = p.campaign_id), '') = ANY(%(workspaces)s))
GROUP BY p.requested_at, p.batch_id
ORDER BY p.requested_at DESC, p.batch_id DESC LIMIT %(limit)s

-- name: parts_by_ip
SELECT p.requested_at, p.batch_id, sum(p.sends)::int AS sends FROM rm.send_part AS p
WHERE p.tenant_id = %(tenant_id)s AND p.ip = %(ip)s
  AND p.requested_at >= %(since)s AND p.requested_at < %(until)s
  AND (p.requested_at, p.batch_id) <= (%(at)s, %(batch_id)s)
  AND (%(provider)s = '' OR p.provider = %(provider)s)
  AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = p.tenant_id AND w.id = p.campaign_id), '') = ANY(%(workspaces)s))
GROUP BY p.requested_at, p.batch_id
ORDER BY p.requested_at DESC, p.batch_id DESC LIMIT %(limit)s

-- name: parts_of_campaign
SELECT p.requested_at, p.batch_id, sum(p.sends)::int AS sends FROM rm.send_part AS p
WHERE p.tenant_id = %(tenant_id)s AND p.campaign_id = %(campaign_id)s
  AND (%(state)s = '' OR p.state = %(state)s) AND (%(ip)s = '' OR p.ip = %(ip)s)
  AND p.requested_at >= %(since)s AND p.requested_at < %(until)s
  AND (p.requested_at, p.batch_id) <= (%(at)s, %(batch_id)s)
  AND (%(provider)s = '' OR p.provider = %(provider)s)
  AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = p.tenant_id AND w.id = p.campaign_id), '') = ANY(%(workspaces)s))
GROUP BY p.requested_at, p.batch_id
ORDER BY p.requested_at DESC, p.batch_id DESC LIMIT %(limit)s

-- name: rows
-- OFFSET 0 keeps the planner from reading the ledger in any other way than batch by batch.
SELECT r.*, (
    SELECT coalesce(array_agg(DISTINCT s.kind), '{}') FROM rm.send_signal AS s
    WHERE s.tenant_id = %(tenant_id)s AND s.send_id = r.send_id) AS signals
FROM (
  SELECT l.* FROM unnest(%(batch_ids)s::text[]) WITH ORDINALITY AS b (batch_id, place)
    CROSS JOIN LATERAL (
      SELECT send_id, campaign_id, contact_id, batch_id, idx, step, provider, priority, state, n, ip,
        reason, code, enhanced, requested_at, started_at, ended_at, changed_at
      FROM rm.send_ledger AS l
      WHERE l.tenant_id = %(tenant_id)s AND l.batch_id = b.batch_id
        AND (l.batch_id <> %(batch_id)s OR l.idx > %(idx)s)
        AND (%(state)s = '' OR l.state = %(state)s) AND (%(ip)s = '' OR l.ip = %(ip)s)
      OFFSET 0) AS l
  ORDER BY b.place, l.idx LIMIT %(limit)s) AS r

-- name: rows_of_contact
SELECT l.send_id, l.campaign_id, l.contact_id, l.batch_id, l.idx, l.step, l.provider, l.priority,
  l.state, l.n, l.ip, l.reason, l.code, l.enhanced, l.requested_at, l.started_at, l.ended_at,
  l.changed_at, (
    SELECT coalesce(array_agg(DISTINCT s.kind), '{}') FROM rm.send_signal AS s
    WHERE s.tenant_id = %(tenant_id)s AND s.send_id = l.send_id) AS signals
FROM rm.send_ledger AS l
WHERE l.tenant_id = %(tenant_id)s AND l.contact_id = %(contact_id)s
  AND l.requested_at >= %(since)s AND l.requested_at < %(until)s
  AND ((l.requested_at, l.batch_id) < (%(at)s, %(batch_id)s)
       OR ((l.requested_at, l.batch_id) = (%(at)s, %(batch_id)s) AND l.idx > %(idx)s))
  AND (%(campaign_id)s = '' OR l.campaign_id = %(campaign_id)s)
  AND (%(provider)s = '' OR l.provider = %(provider)s)
  AND (%(state)s = '' OR l.state = %(state)s) AND (%(ip)s = '' OR l.ip = %(ip)s)
  AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = l.tenant_id AND w.id = l.campaign_id), '') = ANY(%(workspaces)s))
ORDER BY l.requested_at DESC, l.batch_id DESC, l.idx LIMIT %(limit)s

-- name: count
-- How many sends there are of what is looked for, without reading one of them.
SELECT coalesce(sum(p.sends), 0)::bigint AS sends FROM rm.send_part AS p
WHERE p.tenant_id = %(tenant_id)s AND p.requested_at >= %(since)s AND p.requested_at < %(until)s
  AND (%(campaign_id)s = '' OR p.campaign_id = %(campaign_id)s)
  AND (%(provider)s = '' OR p.provider = %(provider)s)
  AND (%(state)s = '' OR p.state = %(state)s) AND (%(ip)s = '' OR p.ip = %(ip)s)
  AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = p.tenant_id AND w.id = p.campaign_id), '') = ANY(%(workspaces)s))
