-- name: done_import
SELECT rows, imported, duplicates, rejected, fields FROM vault.import
WHERE tenant_id = (SELECT app.tenant()) AND import_id = %s AND state = 'done'

-- name: make_stage
CREATE TEMP TABLE stage (
  line bigint NOT NULL, contact_id text, address text, address_key text, domain text, fields jsonb,
  reason text, row text
) ON COMMIT DROP

-- name: begin_import
INSERT INTO vault.import (tenant_id, import_id, list_id, state, encoding, delimiter, started_at)
VALUES (%s, %s, %s, 'running', %s, %s, %s)

-- name: copy_stage
COPY stage FROM STDIN

-- name: keep_rejects
INSERT INTO vault.import_reject (tenant_id, import_id, line, reason, row)
SELECT %s, %s, line, reason, row FROM stage WHERE reason IS NOT NULL

-- name: index_stage
ANALYZE stage

-- name: merge_contacts
-- The first row's id stands for its address; values of later rows fill in and overwrite.
INSERT INTO vault.contact AS known (tenant_id, contact_id, address, address_key, domain, fields)
SELECT %s, (array_agg(contact_id ORDER BY line))[1], (array_agg(address ORDER BY line))[1],
       address_key, min(domain),
       app.merged(fields ORDER BY line)
FROM stage WHERE reason IS NULL GROUP BY address_key
ON CONFLICT (tenant_id, address_key) DO UPDATE
  SET fields = known.fields || excluded.fields
  WHERE known.fields IS DISTINCT FROM known.fields || excluded.fields

-- name: join_list
INSERT INTO vault.list_member (tenant_id, list_id, contact_id, import_id)
SELECT %s, %s, contact_id, %s FROM vault.contact
WHERE tenant_id = %s AND address_key IN (SELECT address_key FROM stage WHERE reason IS NULL)
ON CONFLICT DO NOTHING

-- name: end_import
UPDATE vault.import SET state = 'done', rows = %s, imported = %s, duplicates = %s, rejected = %s,
  fields = %s, ended_at = %s
WHERE tenant_id = (SELECT app.tenant()) AND import_id = %s

-- name: drop_stage
DROP TABLE stage
