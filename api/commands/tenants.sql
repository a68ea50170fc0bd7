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

-- name: fatigue
INSERT INTO vault.tenant_settings (tenant_id, fatigue_per_day, fatigue_gap_h)
VALUES (%(tenant_id)s, %(per_day)s, %(gap_h)s)
ON CONFLICT (tenant_id) DO UPDATE
SET fatigue_per_day = excluded.fatigue_per_day, fatigue_gap_h = excluded.fatigue_gap_h

-- name: own
SELECT l.id AS tenant_id, l.label AS name, coalesce(s.time_zone, 'UTC') AS time_zone,
       CASE WHEN s.fatigue_per_day IS NOT NULL THEN
         jsonb_build_object('per_day', s.fatigue_per_day, 'gap_h', s.fatigue_gap_h)
       END AS contact_fatigue,
       coalesce(t.may_send, true) AS may_send, t.daily_limit
FROM vault.label AS l LEFT JOIN vault.tenant_settings AS s ON s.tenant_id = l.tenant_id
  LEFT JOIN pipeline.tenant AS t ON t.tenant_id = l.tenant_id
WHERE l.tenant_id = %(tenant_id)s AND l.id = %(tenant_id)s AND l.kind = 'tenant'

-- name: counts
SELECT
  (SELECT count(*) FROM vault.membership WHERE tenant_id = %(tenant_id)s AND state = 'active') AS users,
  (SELECT count(*) FROM vault.api_key WHERE tenant_id = %(tenant_id)s AND revoked_at IS NULL) AS keys,
  (SELECT count(*) FROM vault.workspace WHERE tenant_id = %(tenant_id)s AND archived_at IS NULL) AS workspaces
