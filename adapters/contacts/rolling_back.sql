-- An import taken back, in one transaction of its tenant. What another done import brought too, it
-- keeps from then on.

-- name: hand_members_on
UPDATE vault.list_member m SET import_id = o.import_id
FROM (SELECT DISTINCT ON (o.contact_id) o.contact_id, o.import_id
      FROM vault.import_overlap o JOIN vault.import i USING (tenant_id, import_id)
      WHERE o.tenant_id = %(tenant_id)s AND o.import_id <> %(import_id)s AND i.list_id = %(list_id)s
        AND i.state = 'done' ORDER BY o.contact_id, o.import_id) o
WHERE m.tenant_id = %(tenant_id)s AND m.list_id = %(list_id)s AND m.import_id = %(import_id)s
  AND m.contact_id = o.contact_id

-- name: hand_contacts_on
UPDATE vault.contact c SET import_id = o.import_id
FROM (SELECT DISTINCT ON (o.contact_id) o.contact_id, o.import_id
      FROM vault.import_overlap o JOIN vault.import i USING (tenant_id, import_id)
      WHERE o.tenant_id = %(tenant_id)s AND o.import_id <> %(import_id)s AND i.state = 'done'
      ORDER BY o.contact_id, o.import_id) o
WHERE c.tenant_id = %(tenant_id)s AND c.import_id = %(import_id)s AND c.contact_id = o.contact_id

-- name: remove_members
DELETE FROM vault.list_member
WHERE tenant_id = %(tenant_id)s AND list_id = %(list_id)s AND import_id = %(import_id)s

-- name: forget_overlap
DELETE FROM vault.import_overlap WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s

-- name: remove_tags
DELETE FROM vault.lead_tag t USING vault.contact c
WHERE t.tenant_id = %(tenant_id)s AND c.tenant_id = t.tenant_id AND c.contact_id = t.contact_id
  AND c.import_id = %(import_id)s AND NOT EXISTS (
    SELECT FROM vault.list_member m WHERE m.tenant_id = c.tenant_id AND m.contact_id = c.contact_id)

-- name: remove_contacts
DELETE FROM vault.contact c
WHERE c.tenant_id = %(tenant_id)s AND c.import_id = %(import_id)s AND NOT EXISTS (
  SELECT FROM vault.list_member m WHERE m.tenant_id = c.tenant_id AND m.contact_id = c.contact_id)

-- name: forget_rejects
DELETE FROM vault.import_reject WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s

-- name: rolled_back
UPDATE vault.import SET state = 'rolled_back', removed_members = %(members)s, removed_contacts = %(contacts)s
WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s
