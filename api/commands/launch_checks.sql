-- name: no_authority
-- Whether the gate is shut because another stack may send: the releaser says so in its reason
-- (streams/releasing/gate.py).
SELECT reason FROM pipeline.gate WHERE NOT open AND epoch > 0 AND starts_with(reason, 'send authority (epoch ')

-- name: unplanned
SELECT ip FROM unnest(%(ips)s::text[]) AS i (ip)
WHERE NOT EXISTS (SELECT FROM pipeline.warmup w WHERE w.ip = i.ip) ORDER BY ip
