-- name: page
-- A campaign's sends by (batch, index). A state that only some batches have is looked for in the facts.
SELECT l.send_id, l.contact_id, l.batch_id, l.idx, l.provider, l.state, l.n, l.ip, l.reason, l.code,
  l.enhanced, l.requested_at, l.started_at, l.ended_at, l.changed_at
FROM rm.send_batch AS b JOIN rm.send_ledger AS l
  ON l.tenant_id = b.tenant_id AND l.batch_id = b.batch_id
WHERE b.tenant_id = %(tenant_id)s AND b.campaign_id = %(campaign_id)s
  AND (b.batch_id, l.idx) > (%(after_batch)s, %(after_idx)s) AND b.batch_id >= %(after_batch)s
  AND (%(provider)s = '' OR b.provider = %(provider)s)
  AND (%(state)s = '' OR l.state = %(state)s)
  AND (%(state)s IN ('', 'waiting') OR EXISTS (
    SELECT FROM rm.send_fact AS f
    WHERE f.tenant_id = b.tenant_id AND f.batch_id = b.batch_id AND f.kind = %(state)s))
ORDER BY b.batch_id, l.idx LIMIT %(limit)s

-- name: one
SELECT send_id, campaign_id, contact_id, batch_id, idx, step, provider, priority, state, n, ip, reason,
  code, enhanced, requested_at, started_at, ended_at, changed_at
FROM rm.send_ledger WHERE tenant_id = %(tenant_id)s AND send_id = %(send_id)s

-- name: requested
SELECT 'requested' AS event, requested_at AS at, event_id, topic, part AS partition, off AS "offset",
  due_at, expires_at
FROM rm.send_batch WHERE tenant_id = %(tenant_id)s AND batch_id = %(batch_id)s

-- name: story
SELECT kind AS event, at, n, ip, release_id, source, reason, phase, code, enhanced,
  counted @> %(idx)s::int AS counted, event_id, topic, part AS partition, off AS "offset"
FROM rm.send_fact
WHERE tenant_id = %(tenant_id)s AND batch_id = %(batch_id)s AND ranges @> %(idx)s::int
ORDER BY at, topic, part, off, seq
