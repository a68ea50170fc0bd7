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
FROM rm.send_ledger AS l WHERE tenant_id = %(tenant_id)s AND send_id = %(send_id)s
  AND (%(workspaces)s::text[] IS NULL OR coalesce((
    SELECT w.workspace_id FROM vault.workspace_of AS w
    WHERE w.tenant_id = l.tenant_id AND w.id = l.campaign_id), '') = ANY(%(workspaces)s))

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

-- name: signals
-- What the world said about it.
SELECT kind AS event, at, reason, code, enhanced, first AS counted, event_id, topic, part AS partition,
  off AS "offset"
FROM rm.send_signal WHERE tenant_id = %(tenant_id)s AND send_id = %(send_id)s ORDER BY at, off

-- name: decisions
-- What was decided about its campaign and its contact, by whom and why: read from the decision log.
SELECT split_part(topic, '.', 1) AS event, recorded_at AS at, actor,
  coalesce(convert_from(state, 'UTF8')::jsonb ->> 'reason', '') AS reason,
  originator_id AS stream, event_id, notification_id AS pos
FROM es.decision_events
WHERE tenant_id = %(tenant_id)s AND originator_id = ANY(%(streams)s) ORDER BY notification_id

-- name: held
-- Why it does not leave now: until when its attempt waits, and what stands in its way.
SELECT w.n, w.due_at, w.expires_at, (
    SELECT array_remove(ARRAY[
      CASE WHEN c.state <> 'running' THEN 'campaign is ' || c.state END,
      CASE WHEN NOT t.may_send THEN 'tenant is suspended' END,
      CASE WHEN b.parked <> '' THEN 'batch is parked: ' || b.parked END], NULL)
    FROM pipeline.campaign AS c JOIN pipeline.tenant AS t USING (tenant_id)
      JOIN pipeline.batch AS b ON b.batch_id = w.batch_id
    WHERE c.campaign_id = w.campaign_id) AS holds
FROM pipeline.waiting AS w
WHERE w.tenant_id = %(tenant_id)s AND w.batch_id = %(batch_id)s AND w.ranges @> %(idx)s::int
ORDER BY w.n DESC LIMIT 1

-- name: releases
-- When it was let go, from which IP, within which cap.
SELECT release_id, n, ip, state, reason, cap_day, cap_per_day, produced_at, claimed_at, lease_until
FROM pipeline.release
WHERE tenant_id = %(tenant_id)s AND batch_id = %(batch_id)s AND ranges @> %(idx)s::int
ORDER BY n, number
