-- name: living
-- The key under a handle, if it is neither revoked nor expired; whatever its tenant.
SELECT tenant_id, key_id, hash, role, scopes, workspace_ids, test, used_lately
FROM app.api_key_of(%(handle)s)

-- name: used
-- At most once a minute, however many callers note it at once.
UPDATE vault.api_key SET last_used_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND key_id = %(key_id)s
  AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')

-- name: staff
SELECT staff_id, role, hash FROM app.staff_of(%(handle)s)

-- name: tenant
SELECT 1 FROM vault.label WHERE tenant_id = %(tenant_id)s AND id = %(tenant_id)s AND kind = 'tenant'
