-- What seeding writes into the vault and beside the planner; role pm_worker, the tenant set.

-- name: seeded
SELECT count(*) FROM vault.contact WHERE tenant_id = %(tenant_id)s

-- name: name_things
INSERT INTO vault.label (tenant_id, id, kind, label)
SELECT %(tenant_id)s, * FROM unnest(%(ids)s::text[], %(kinds)s::text[], %(labels)s::text[])
ON CONFLICT DO NOTHING

-- name: make_list
INSERT INTO vault.lead_list (tenant_id, list_id, created_at) VALUES (%(tenant_id)s, %(list_id)s, %(at)s)
ON CONFLICT DO NOTHING

-- name: note_import
INSERT INTO vault.import (tenant_id, import_id, list_id, state, rows, imported, fields, started_at, ended_at)
VALUES (%(tenant_id)s, %(import_id)s, %(list_id)s, 'done', %(rows)s, %(rows)s, %(fields)s, %(at)s, %(at)s)
ON CONFLICT DO NOTHING

-- name: keep_content
INSERT INTO vault.content (tenant_id, content_id, body) VALUES (%(tenant_id)s, %(content_id)s, %(body)s)
ON CONFLICT DO NOTHING

-- name: keep_sender
INSERT INTO vault.sender (tenant_id, sender_id, address, name)
VALUES (%(tenant_id)s, %(sender_id)s, %(address)s, 'Seed')
ON CONFLICT DO NOTHING

-- name: add_contacts
INSERT INTO vault.contact (tenant_id, contact_id, address, address_key, domain, fields)
SELECT %(tenant_id)s, contact_id, address, address, domain, fields
FROM unnest(%(contact_ids)s::text[], %(addresses)s::text[], %(domains)s::text[], %(fields)s::jsonb[])
  AS lead (contact_id, address, domain, fields)

-- name: add_members
INSERT INTO vault.list_member (tenant_id, list_id, contact_id, import_id)
SELECT %(tenant_id)s, %(list_id)s, contact_id, %(import_id)s FROM unnest(%(contact_ids)s::text[]) AS contact_id

-- name: plan_is_done
-- The campaigns are planned already, by whoever seeds: the planner leaves them alone.
INSERT INTO pipeline.plan (campaign_id, tenant_id, launched, frozen, done)
SELECT id, %(tenant_id)s, '{}', true, true FROM unnest(%(campaign_ids)s::text[]) AS id
ON CONFLICT DO NOTHING
