-- name: all
-- Only a desk at the platform gets any.
SELECT tenant_id, name, may_send FROM app.all_tenants(%(name)s, %(after)s, %(limit)s)

-- name: name
INSERT INTO vault.label (tenant_id, id, kind, label)
VALUES (%(tenant_id)s, %(tenant_id)s, 'tenant', %(name)s)
ON CONFLICT (tenant_id, id) DO UPDATE SET label = excluded.label

-- name: time_zone
INSERT INTO vault.tenant_settings (tenant_id, time_zone) VALUES (%(tenant_id)s, %(time_zone)s)
ON CONFLICT (tenant_id) DO UPDATE SET time_zone = excluded.time_zone

-- name: own
SELECT l.id AS tenant_id, l.label AS name, coalesce(s.time_zone, 'UTC') AS time_zone,
       coalesce(t.may_send, true) AS may_send
FROM vault.label AS l LEFT JOIN vault.tenant_settings AS s ON s.tenant_id = l.tenant_id
  LEFT JOIN pipeline.tenant AS t ON t.tenant_id = l.tenant_id
WHERE l.tenant_id = %(tenant_id)s AND l.id = %(tenant_id)s AND l.kind = 'tenant'

-- name: counts
SELECT
  (SELECT count(*) FROM vault.membership WHERE tenant_id = %(tenant_id)s AND state = 'active') AS users,
  (SELECT count(*) FROM vault.api_key WHERE tenant_id = %(tenant_id)s AND revoked_at IS NULL) AS keys,
  (SELECT count(*) FROM vault.workspace WHERE tenant_id = %(tenant_id)s AND archived_at IS NULL) AS workspaces
