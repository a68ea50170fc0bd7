-- name: done_import
SELECT rows, imported, duplicates, rejected, fields FROM vault.import
WHERE tenant_id = (SELECT app.tenant()) AND import_id = %s AND state = 'done'

-- name: make_stage
CREATE TEMP TABLE stage (
  line bigint NOT NULL, contact_id text, address text, address_key text, domain text, fields jsonb,
  reason text, row text, tags text, status text
) ON COMMIT DROP

-- name: begin_import
INSERT INTO vault.import (tenant_id, import_id, list_id, state, encoding, delimiter, started_at)
VALUES (%s, %s, %s, 'running', %s, %s, %s)
ON CONFLICT (tenant_id, import_id) DO UPDATE SET state = 'running', encoding = excluded.encoding,
  delimiter = excluded.delimiter, started_at = excluded.started_at, reason = ''

-- name: copy_stage
COPY stage FROM STDIN

-- name: keep_rejects
INSERT INTO vault.import_reject (tenant_id, import_id, line, reason, row)
SELECT %s, %s, line, reason, row FROM stage WHERE reason IS NOT NULL

-- name: first_reject
SELECT line, reason FROM vault.import_reject
WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s ORDER BY line LIMIT 1

-- name: index_stage
ANALYZE stage

-- name: merge_contacts
-- The first row's id stands for its address; values of later rows fill in and overwrite.
INSERT INTO vault.contact AS known (tenant_id, contact_id, address, address_key, domain, fields, import_id)
SELECT %s, (array_agg(contact_id ORDER BY line))[1], (array_agg(address ORDER BY line))[1],
       address_key, min(domain),
       app.merged(fields ORDER BY line), %s
FROM stage WHERE reason IS NULL GROUP BY address_key
ON CONFLICT (tenant_id, address_key) DO UPDATE
  SET fields = known.fields || excluded.fields, version = known.version + 1, changed_at = now()
  WHERE known.fields IS DISTINCT FROM known.fields || excluded.fields

-- name: join_list
INSERT INTO vault.list_member (tenant_id, list_id, contact_id, import_id)
SELECT %s, %s, contact_id, %s FROM vault.contact
WHERE tenant_id = %s AND address_key IN (SELECT address_key FROM stage WHERE reason IS NULL)
ON CONFLICT DO NOTHING

-- name: keep_overlap
-- Who was there before: another import, or a person, brought them first.
INSERT INTO vault.import_overlap (tenant_id, import_id, contact_id)
SELECT tenant_id, %(import_id)s, contact_id FROM vault.contact
WHERE tenant_id = %(tenant_id)s AND import_id <> %(import_id)s
  AND address_key IN (SELECT address_key FROM stage WHERE reason IS NULL)
ON CONFLICT DO NOTHING

-- name: keep_tags
INSERT INTO vault.lead_tag (tenant_id, contact_id, tag)
SELECT DISTINCT %(tenant_id)s, c.contact_id, t.tag
FROM stage s JOIN vault.contact c ON c.tenant_id = %(tenant_id)s AND c.address_key = s.address_key,
  unnest(string_to_array(s.tags, E'\x1f')) AS t (tag)
WHERE s.reason IS NULL AND s.tags <> ''
ON CONFLICT DO NOTHING

-- name: keep_statuses
INSERT INTO vault.import_suppression (tenant_id, import_id, contact_id, status)
SELECT DISTINCT ON (c.contact_id) %(tenant_id)s, %(import_id)s, c.contact_id, s.status
FROM stage s JOIN vault.contact c ON c.tenant_id = %(tenant_id)s AND c.address_key = s.address_key
WHERE s.reason IS NULL AND s.status <> ''
ORDER BY c.contact_id, s.line

-- name: suppress_at_once
-- What the fold of the decisions will write: they follow, and nobody is mailed until then.
INSERT INTO vault.suppression (tenant_id, contact_id, reason, since, scope, target, address_hash)
SELECT c.tenant_id, c.contact_id, 'import', now(), 'tenant', '', vault.address_hash(c.address_key, %(hash_key)s)
FROM vault.import_suppression w JOIN vault.contact c USING (tenant_id, contact_id)
WHERE w.tenant_id = %(tenant_id)s AND w.import_id = %(import_id)s
ON CONFLICT DO NOTHING

-- name: end_import
UPDATE vault.import SET state = 'done', rows = %s, imported = %s, duplicates = %s, rejected = %s,
  fields = %s, suppressed = %s, ended_at = %s
WHERE tenant_id = (SELECT app.tenant()) AND import_id = %s

-- name: drop_stage
DROP TABLE stage
