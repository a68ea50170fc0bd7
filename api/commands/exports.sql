-- name: make
INSERT INTO vault.export
  (tenant_id, export_id, format, wanted, with_addresses, workspace_ids, created_at, expires_at)
VALUES (%(tenant_id)s, %(export_id)s, %(format)s, %(wanted)s, %(with_addresses)s, %(workspace_ids)s,
  %(created_at)s, %(expires_at)s)
ON CONFLICT DO NOTHING

-- name: forget
DELETE FROM vault.export WHERE tenant_id = %(tenant_id)s AND expires_at < %(now)s

-- name: one
SELECT export_id, format, wanted, with_addresses, workspace_ids, created_at, expires_at FROM vault.export
WHERE tenant_id = %(tenant_id)s AND export_id = %(export_id)s

-- name: addresses
-- Of those who were not erased.
SELECT contact_id, address FROM vault.contact
WHERE tenant_id = %(tenant_id)s AND contact_id = ANY(%(contact_ids)s) AND address IS NOT NULL
