-- Imports as commands see them, in the transaction of one tenant.

-- name: found
SELECT import_id, list_id, state, file_name, format, digest, mapping, actor, removed_members, removed_contacts
FROM vault.import WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s

-- name: keep
INSERT INTO vault.import (tenant_id, import_id, list_id, state, actor, file_name, format, bytes, lines, digest)
VALUES (%(tenant_id)s, %(import_id)s, %(list_id)s, 'uploaded', %(actor)s, %(file_name)s, %(format)s,
  %(bytes)s, %(lines)s, %(digest)s)
ON CONFLICT DO NOTHING

-- name: map
UPDATE vault.import SET mapping = %(mapping)s
WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s AND state IN ('uploaded', 'failed')

-- name: move
UPDATE vault.import SET state = %(state)s, reason = %(reason)s
WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s AND state = ANY(%(states)s)

-- name: queue
INSERT INTO pipeline.import_job (import_id, tenant_id, deed) VALUES (%(import_id)s, %(tenant_id)s, %(deed)s)
ON CONFLICT DO NOTHING

-- name: cancel
UPDATE pipeline.import_job SET cancel = true
WHERE import_id = %(import_id)s AND tenant_id = %(tenant_id)s AND deed = 'run'

-- name: jobs
-- Whoever gets the lock of one works on it.
SELECT import_id, tenant_id, deed, failures, queued_at < clock_timestamp() - interval '1 hour' AS old
FROM pipeline.import_job ORDER BY queued_at LIMIT 100

-- name: lock
SELECT pg_try_advisory_lock(hashtext('pm.import'), hashtext(%(import_id)s))

-- name: still_there
SELECT cancel FROM pipeline.import_job WHERE import_id = %(import_id)s

-- name: progress
UPDATE pipeline.import_job SET phase = %(phase)s, rows_done = %(rows_done)s, moved_at = clock_timestamp(),
  began_at = CASE WHEN %(begins)s THEN clock_timestamp() ELSE began_at END
WHERE import_id = %(import_id)s RETURNING cancel

-- name: failed_once
UPDATE pipeline.import_job SET failures = failures + 1 WHERE import_id = %(import_id)s

-- name: tell
-- After the commit of what it tells of.
SELECT nextval('pipeline.import_moves')

-- name: touch
-- As it is: a row that was written since is one to tell of (projections/changes.sql).
UPDATE vault.import SET state = state
WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s

-- name: finished
DELETE FROM pipeline.import_job WHERE import_id = %(import_id)s

-- name: suppressions
SELECT w.contact_id, w.status, coalesce(encode(vault.address_hash(c.address_key, %(hash_key)s), 'hex'), '') AS hash
FROM vault.import_suppression w LEFT JOIN vault.contact c USING (tenant_id, contact_id)
WHERE w.tenant_id = %(tenant_id)s AND w.import_id = %(import_id)s ORDER BY w.contact_id LIMIT 200

-- name: suppressed
DELETE FROM vault.import_suppression
WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s AND contact_id = ANY(%(ids)s)
