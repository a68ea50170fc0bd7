-- What decides an audience's order. The tenant set; `any_signal` and `engaged` as pm_api.

-- name: any_signal
SELECT 1 FROM rm.send_signal WHERE tenant_id = (SELECT app.tenant()) LIMIT 1

-- name: engaged
-- Members of the lists whom some mail of the tenant moved, and when last.
SELECT a.contact_id, max(s.at)
FROM rm.send_signal s JOIN vault.audience a
  ON a.tenant_id = s.tenant_id AND a.batch_id = s.batch_id AND a.idx = s.idx
WHERE s.tenant_id = (SELECT app.tenant()) AND s.kind = ANY(%(human)s) AND EXISTS (
  SELECT FROM vault.list_member m WHERE m.tenant_id = a.tenant_id
    AND m.contact_id = a.contact_id AND m.list_id = ANY(%(list_ids)s))
GROUP BY a.contact_id

-- name: plans
-- How these IPs were told to warm up, in order.
SELECT originator_id, state, recorded_at FROM es.decision_events
WHERE originator_id = ANY(%(streams)s) AND topic LIKE 'WarmupPlanChosen.%%'
ORDER BY originator_id, originator_version

-- name: warm
SELECT ip, provider FROM pipeline.volume_phase WHERE ip = ANY(%(ips)s) AND phase = 'warm'

-- name: zones_told
SELECT DISTINCT coalesce(c.fields ->> 'time_zone', c.fields ->> 'timezone')
FROM (SELECT DISTINCT contact_id FROM vault.list_member WHERE list_id = ANY(%(list_ids)s)) m
JOIN vault.contact c USING (contact_id)
WHERE c.erased_at IS NULL AND c.fields ?| ARRAY['time_zone', 'timezone']
