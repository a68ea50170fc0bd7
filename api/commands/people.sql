-- name: alone
-- Of the session: commands about the people of a tenant take turns.
SELECT pg_advisory_lock(hashtextextended('people ' || %(tenant_id)s, 7700411))

-- name: release
SELECT pg_advisory_unlock(hashtextextended('people ' || %(tenant_id)s, 7700411))

-- name: grant
-- Who is in already keeps what they have.
INSERT INTO vault.membership AS m (tenant_id, user_id, role, state, workspace_ids, since)
VALUES (%(tenant_id)s, %(user_id)s, %(role)s, 'active', %(workspace_ids)s, %(now)s)
ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = excluded.role, state = excluded.state,
  workspace_ids = excluded.workspace_ids, since = excluded.since
WHERE m.state = 'removed'

-- name: change
UPDATE vault.membership SET role = %(role)s, workspace_ids = %(workspace_ids)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND state <> 'removed'

-- name: state
UPDATE vault.membership SET state = %(state)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND state <> 'removed'

-- name: one
SELECT m.user_id, coalesce(a.address, '') AS address, coalesce(a.name, '') AS name, m.role, m.state, m.workspace_ids, m.since
FROM vault.membership AS m LEFT JOIN LATERAL auth.account_of(m.user_id) AS a ON true
WHERE m.tenant_id = %(tenant_id)s AND m.user_id = %(user_id)s AND m.state <> 'removed'
  AND (%(workspaces)s::text[] IS NULL OR m.workspace_ids && %(workspaces)s::text[])

-- name: page
SELECT m.user_id, coalesce(a.address, '') AS address, coalesce(a.name, '') AS name, m.role, m.state, m.workspace_ids, m.since
FROM (
  SELECT * FROM vault.membership
  WHERE tenant_id = %(tenant_id)s AND user_id > %(after)s AND state <> 'removed'
    AND (%(role)s = '' OR role = %(role)s)
    AND (%(workspaces)s::text[] IS NULL OR workspace_ids && %(workspaces)s::text[])
  ORDER BY user_id LIMIT %(limit)s
) AS m LEFT JOIN LATERAL auth.account_of(m.user_id) AS a ON true
ORDER BY m.user_id

-- name: at_address
SELECT m.user_id FROM auth.account_at(%(address_key)s) AS a JOIN vault.membership AS m USING (user_id)
WHERE m.tenant_id = %(tenant_id)s AND m.state <> 'removed'
