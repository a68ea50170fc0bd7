-- Archives of a tenant, as commands and who makes them see them, bound to one tenant.

-- name: keep
INSERT INTO vault.tenant_export (tenant_id, export_id, actor, created_at, expires_at)
VALUES (%(tenant_id)s, %(export_id)s, %(actor)s, %(now)s, %(expires_at)s)
ON CONFLICT (tenant_id, export_id) DO NOTHING

-- name: one
SELECT export_id, state, phase, rows_done, created_at, expires_at, made_at, bytes, told, actor, attempts, failures
FROM vault.tenant_export WHERE tenant_id = %(tenant_id)s AND export_id = %(export_id)s

-- name: page
SELECT export_id, state, phase, rows_done, created_at, expires_at, made_at, bytes, told
FROM vault.tenant_export WHERE tenant_id = %(tenant_id)s AND expires_at > %(now)s ORDER BY export_id DESC LIMIT 100

-- name: all
SELECT tenant_id, export_id, state, expires_at FROM app.tenant_exports()

-- name: lock
SELECT pg_try_advisory_lock(hashtext('pm.tenant_export'), hashtext(%(export_id)s))

-- name: no_erasure
-- Waits for erasures that are under way; those that begin later find the export running.
SELECT pg_advisory_xact_lock(hashtext('pm.erasing'), hashtext(%(tenant_id)s))

-- name: begin
UPDATE vault.tenant_export SET state = 'running', phase = '', rows_done = 0, attempts = attempts + 1
WHERE tenant_id = %(tenant_id)s AND export_id = %(export_id)s AND state IN ('queued', 'running')

-- name: progress
UPDATE vault.tenant_export SET phase = %(phase)s, rows_done = %(rows)s
WHERE tenant_id = %(tenant_id)s AND export_id = %(export_id)s AND state = 'running'

-- name: made
UPDATE vault.tenant_export SET state = 'done', phase = '', made_at = %(now)s, expires_at = %(expires_at)s,
  bytes = %(bytes)s, told = %(told)s
WHERE tenant_id = %(tenant_id)s AND export_id = %(export_id)s AND state = 'running'

-- name: forget_older
-- One file of a tenant is kept: the newest.
DELETE FROM vault.tenant_export
WHERE tenant_id = %(tenant_id)s AND export_id <> %(export_id)s AND state IN ('done', 'failed', 'outdated')

-- name: failed_once
UPDATE vault.tenant_export SET failures = failures + 1
WHERE tenant_id = %(tenant_id)s AND export_id = %(export_id)s

-- name: failed
UPDATE vault.tenant_export SET state = 'failed', phase = ''
WHERE tenant_id = %(tenant_id)s AND export_id = %(export_id)s AND state IN ('queued', 'running')

-- name: forget
DELETE FROM vault.tenant_export WHERE tenant_id = %(tenant_id)s AND export_id = %(export_id)s
