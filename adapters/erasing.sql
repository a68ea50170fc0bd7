-- One person leaves the vault. In the tenant's transaction.

-- name: contact
SELECT address, address_key, erased_at FROM vault.contact
WHERE tenant_id = %(tenant_id)s AND contact_id = %(contact_id)s FOR UPDATE

-- name: forget
UPDATE vault.contact
SET address = NULL, address_key = NULL, domain = '', fields = '{}', erased_at = %(now)s
WHERE tenant_id = %(tenant_id)s AND contact_id = %(contact_id)s

-- name: rejected_rows
-- What an import could not use is kept as text: of who has this address, no letter stays.
UPDATE vault.import_reject SET row = ''
WHERE tenant_id = %(tenant_id)s AND position(lower(%(needle)s) IN lower(row)) > 0

-- name: tables_about_contacts
-- The frozen audience keeps the id alone, for the outcome of what is planned; a suppression outlives
-- the person whom it protects.
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'vault' AND c.relkind = 'r'
  AND c.relname NOT IN ('contact', 'audience', 'suppression')
  AND (SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND NOT a.attisdropped
       AND a.attname IN ('tenant_id', 'contact_id')) = 2
ORDER BY 1

-- name: note
INSERT INTO vault.duty (tenant_id, kind, subject, actor, since, due_at)
VALUES (%(tenant_id)s, 'erasure', %(contact_id)s, %(actor)s, %(now)s, %(now)s) ON CONFLICT DO NOTHING

-- name: done
DELETE FROM vault.duty
WHERE tenant_id = %(tenant_id)s AND kind = 'erasure' AND subject = %(contact_id)s

-- name: address
SELECT address FROM vault.contact
WHERE tenant_id = %(tenant_id)s AND contact_id = %(contact_id)s AND address IS NOT NULL

-- name: segments
-- A saved filter may name the person.
UPDATE vault.segment
SET filter = regexp_replace(filter::text, %(pattern)s, 'erased', 'gi')::jsonb, version = version + 1,
  changed_at = %(now)s
WHERE tenant_id = %(tenant_id)s AND filter::text ~* %(pattern)s

-- name: spooled
-- Imports whose file still lies here, or may.
SELECT import_id FROM vault.import
WHERE tenant_id = %(tenant_id)s AND state IN ('uploaded', 'failed', 'queued', 'running')
ORDER BY import_id

-- name: without_file
UPDATE vault.import SET state = 'cancelled', reason = %(reason)s
WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s AND state IN ('uploaded', 'failed')

-- name: stop_import
UPDATE pipeline.import_job SET cancel = true
WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s
