-- Leads, in the transaction of one tenant. `c` is the contact.

-- name: shown
-- What a lead shows: before WHERE, which filters.py makes.
SELECT c.contact_id AS lead_id, c.address, c.domain, c.fields, c.version, c.created_at, c.changed_at,
  ARRAY(SELECT t.tag FROM vault.lead_tag t
        WHERE t.tenant_id = c.tenant_id AND t.contact_id = c.contact_id ORDER BY t.tag) AS tags,
  ARRAY(SELECT m.list_id FROM vault.list_member m
        WHERE m.tenant_id = c.tenant_id AND m.contact_id = c.contact_id ORDER BY m.list_id LIMIT 100) AS list_ids,
  {suppressed} AS suppressed
FROM vault.contact c

-- name: locked
SELECT c.contact_id, c.fields, c.version,
  ARRAY(SELECT t.tag FROM vault.lead_tag t
        WHERE t.tenant_id = c.tenant_id AND t.contact_id = c.contact_id ORDER BY t.tag) AS tags
FROM vault.contact c
WHERE c.tenant_id = %(tenant_id)s AND c.contact_id = ANY(%(ids)s) AND c.address_key IS NOT NULL
  AND (%(workspaces)s::text[] IS NULL OR EXISTS (
    SELECT FROM vault.list_member m JOIN vault.workspace_of w ON w.tenant_id = m.tenant_id AND w.id = m.list_id
    WHERE m.tenant_id = c.tenant_id AND m.contact_id = c.contact_id AND w.workspace_id = ANY(%(workspaces)s)))
ORDER BY c.contact_id FOR UPDATE OF c

-- name: create
INSERT INTO vault.contact (tenant_id, contact_id, address, address_key, domain, fields)
SELECT %(tenant_id)s, n.id, n.address, n.key, n.domain, n.fields
FROM unnest(%(ids)s::text[], %(addresses)s::text[], %(keys)s::text[], %(domains)s::text[], %(fields)s::jsonb[])
  AS n (id, address, key, domain, fields)
ORDER BY n.key
ON CONFLICT DO NOTHING RETURNING contact_id

-- name: known
-- Which of these are there, by id.
SELECT contact_id FROM vault.contact WHERE tenant_id = %(tenant_id)s AND contact_id = ANY(%(ids)s)

-- name: change
UPDATE vault.contact c SET fields = n.fields, version = c.version + 1, changed_at = clock_timestamp()
FROM unnest(%(ids)s::text[], %(fields)s::jsonb[]) AS n (id, fields)
WHERE c.tenant_id = %(tenant_id)s AND c.contact_id = n.id

-- name: untag
DELETE FROM vault.lead_tag WHERE tenant_id = %(tenant_id)s AND contact_id = ANY(%(ids)s)

-- name: tag
INSERT INTO vault.lead_tag (tenant_id, contact_id, tag)
SELECT %(tenant_id)s, n.id, n.tag FROM unnest(%(ids)s::text[], %(tags)s::text[]) AS n (id, tag)
ON CONFLICT DO NOTHING

-- name: leave_lists
DELETE FROM vault.list_member WHERE tenant_id = %(tenant_id)s AND contact_id = ANY(%(ids)s)

-- name: leave_imports
DELETE FROM vault.import_overlap WHERE tenant_id = %(tenant_id)s AND contact_id = ANY(%(ids)s)

-- name: delete
DELETE FROM vault.contact WHERE tenant_id = %(tenant_id)s AND contact_id = ANY(%(ids)s)

-- name: join_list
INSERT INTO vault.list_member (tenant_id, list_id, contact_id, import_id)
SELECT %(tenant_id)s, %(list_id)s, contact_id, '' FROM vault.contact
WHERE tenant_id = %(tenant_id)s AND contact_id = ANY(%(ids)s) AND address_key IS NOT NULL
ON CONFLICT DO NOTHING RETURNING contact_id

-- name: leave_list
DELETE FROM vault.list_member
WHERE tenant_id = %(tenant_id)s AND list_id = %(list_id)s AND contact_id = ANY(%(ids)s)
RETURNING contact_id
