-- Suppressions as tenants see them; the tenant set.

-- name: contacts
SELECT contact_id, address_key, address FROM vault.contact
WHERE tenant_id = %(tenant_id)s AND contact_id = ANY(%(contact_ids)s)

-- name: contacts_at
-- The contacts of these addresses; who is nobody's lead yet becomes a contact in no list.
WITH asked AS (
  SELECT * FROM unnest(%(ids)s::text[], %(addresses)s::text[], %(keys)s::text[], %(domains)s::text[])
    AS a (contact_id, address, address_key, domain)
), made AS (
  INSERT INTO vault.contact (tenant_id, contact_id, address, address_key, domain)
  SELECT %(tenant_id)s, contact_id, address, address_key, domain FROM asked ORDER BY address_key
  ON CONFLICT (tenant_id, address_key) DO UPDATE SET address_key = excluded.address_key
  RETURNING contact_id, address_key
)
SELECT address_key, contact_id FROM made

-- name: page
SELECT s.contact_id, coalesce(c.address, '') AS address, s.scope, s.target, s.reason, s.since
FROM vault.suppression s LEFT JOIN vault.contact c USING (tenant_id, contact_id)
WHERE s.tenant_id = %(tenant_id)s
  AND (%(reason)s = '' OR s.reason = %(reason)s) AND (%(scope)s = '' OR s.scope = %(scope)s)
  AND (%(since)s::timestamptz IS NULL OR s.since >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR s.since < %(until)s)
  AND (%(workspaces)s::text[] IS NULL OR s.scope = 'workspace' AND s.target = ANY(%(workspaces)s))
  AND (%(after_since)s::timestamptz IS NULL OR s.since < %(after_since)s
    OR s.since = %(after_since)s AND (s.contact_id, s.scope, s.target)
      > (%(after_id)s::text, %(after_scope)s::text, %(after_target)s::text))
ORDER BY s.since DESC, s.contact_id, s.scope, s.target LIMIT %(limit)s

-- name: verdicts
-- Of each address the widest suppression that holds for a mail of this class and workspace.
WITH asked AS (
  SELECT n, address_key, vault.address_hash(address_key, %(hash_key)s) AS address_hash
  FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS a (address_key, n)
), found AS (
  SELECT a.n, 0 AS rank, 'platform' AS scope, '' AS target, p.reason, p.since
  FROM asked a JOIN vault.platform_suppression p USING (address_hash)
  UNION ALL
  SELECT a.n, array_position(ARRAY['tenant', 'workspace', 'message_class'], s.scope), s.scope, s.target,
    s.reason, s.since
  FROM asked a JOIN vault.suppression s ON s.tenant_id = %(tenant_id)s AND s.address_hash = a.address_hash
  UNION ALL
  SELECT a.n, array_position(ARRAY['tenant', 'workspace', 'message_class'], s.scope), s.scope, s.target,
    s.reason, s.since
  FROM asked a JOIN vault.contact c ON c.tenant_id = %(tenant_id)s AND c.address_key = a.address_key
  JOIN vault.suppression s ON s.tenant_id = %(tenant_id)s AND s.contact_id = c.contact_id
    AND s.address_hash IS NULL
)
SELECT DISTINCT ON (n) n, scope, target, reason, since FROM found
WHERE scope IN ('platform', 'tenant') OR (scope, target) IN (
  ('workspace', %(workspace_id)s), ('message_class', %(message_class)s))
ORDER BY n, rank

-- name: holding
-- The contacts whose suppressions in this scope hold for an address: also of an earlier life.
SELECT s.contact_id FROM vault.suppression s
WHERE s.tenant_id = %(tenant_id)s AND s.scope = %(scope)s AND s.target = %(target)s
  AND (s.contact_id = %(contact_id)s OR s.address_hash = decode(%(address_hash)s, 'hex'))
