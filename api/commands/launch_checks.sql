-- name: no_authority
-- Whether the gate is shut because another stack may send: the releaser says so in its reason
-- (streams/releasing/gate.py).
SELECT reason FROM pipeline.gate WHERE NOT open AND epoch > 0 AND starts_with(reason, 'send authority (epoch ')

-- name: unread
-- Whether the tenant decided what the schedule has not read yet, of a stack that has a schedule.
SELECT c.last_pos FROM app.cursor c
WHERE c.reader = 'schedule' AND c.topic = 'pm.decisions' AND c.part = %(part)s
  AND EXISTS (SELECT FROM es.decision_events e
              WHERE e.notification_id > c.last_pos AND e.tenant_id = %(tenant_id)s)

-- name: unplanned
SELECT ip FROM unnest(%(ips)s::text[]) AS i (ip)
WHERE NOT EXISTS (SELECT FROM pipeline.warmup w WHERE w.ip = i.ip) ORDER BY ip
