-- name: keep
INSERT INTO vault.invitation (tenant_id, invitation_id, address, address_key, role, workspace_ids, state,
                              token_hash, invited_by, created_at, expires_at)
VALUES (%(tenant_id)s, %(invitation_id)s, %(address)s, %(address_key)s, %(role)s, %(workspace_ids)s, 'open',
        %(token_hash)s, %(actor)s, %(now)s, %(expires_at)s)
ON CONFLICT (tenant_id, invitation_id) DO UPDATE SET token_hash = excluded.token_hash

-- name: renew
UPDATE vault.invitation SET token_hash = %(token_hash)s, expires_at = %(expires_at)s
WHERE tenant_id = %(tenant_id)s AND invitation_id = %(invitation_id)s AND state = 'open'

-- name: close
UPDATE vault.invitation SET state = %(state)s, user_id = %(user_id)s
WHERE tenant_id = %(tenant_id)s AND invitation_id = %(invitation_id)s AND state = 'open'

-- name: open_at
SELECT invitation_id FROM vault.invitation
WHERE tenant_id = %(tenant_id)s AND address_key = %(address_key)s AND state = 'open'

-- name: one
SELECT invitation_id, address, role, workspace_ids, state, invited_by, created_at, expires_at,
       coalesce(user_id, '') AS user_id
FROM vault.invitation
WHERE tenant_id = %(tenant_id)s AND invitation_id = %(invitation_id)s
  AND (%(workspaces)s::text[] IS NULL OR workspace_ids <@ %(workspaces)s::text[])

-- name: page
SELECT invitation_id, address, role, workspace_ids, state, invited_by, created_at, expires_at,
       coalesce(user_id, '') AS user_id
FROM vault.invitation
WHERE tenant_id = %(tenant_id)s AND (%(after)s = '' OR invitation_id < %(after)s)
  AND (%(state)s = '' OR state = %(state)s)
  AND (%(workspaces)s::text[] IS NULL OR workspace_ids <@ %(workspaces)s::text[])
ORDER BY invitation_id DESC LIMIT %(limit)s

-- name: by_link
-- Asked before the tenant is known.
SELECT * FROM app.invitation_of(%(token_hash)s)

-- name: place_of
SELECT role, workspace_ids FROM vault.membership
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND state = 'active'

-- name: tenant_name
SELECT label FROM vault.label WHERE tenant_id = %(tenant_id)s AND id = %(tenant_id)s AND kind = 'tenant'
