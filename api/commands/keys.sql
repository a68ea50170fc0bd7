-- name: keep
INSERT INTO vault.api_key (tenant_id, key_id, handle, hash, role, scopes, workspace_ids, test, created_by,
                           created_at, expires_at)
VALUES (%(tenant_id)s, %(key_id)s, %(handle)s, %(hash)s, %(role)s, %(scopes)s, %(workspace_ids)s, %(test)s,
        %(actor)s, %(now)s, %(expires_at)s)

-- name: name
INSERT INTO vault.label (tenant_id, id, kind, label) VALUES (%(tenant_id)s, %(key_id)s, 'key', %(name)s)
ON CONFLICT (tenant_id, id) DO UPDATE SET label = excluded.label

-- name: revoke
UPDATE vault.api_key SET revoked_at = coalesce(revoked_at, %(now)s)
WHERE tenant_id = %(tenant_id)s AND key_id = %(key_id)s

-- name: shorten
UPDATE vault.api_key SET expires_at = least(expires_at, %(until)s)
WHERE tenant_id = %(tenant_id)s AND key_id = %(key_id)s

-- name: one
SELECT k.key_id, k.handle, k.role, k.scopes, k.workspace_ids, k.test, k.created_by, k.created_at,
       k.expires_at, k.revoked_at, k.last_used_at, coalesce(l.label, '') AS name
FROM vault.api_key AS k LEFT JOIN vault.label AS l ON l.tenant_id = k.tenant_id AND l.id = k.key_id
WHERE k.tenant_id = %(tenant_id)s AND k.key_id = %(key_id)s
  AND (%(workspaces)s::text[] IS NULL OR k.workspace_ids <@ %(workspaces)s::text[])

-- name: page
SELECT k.key_id, k.handle, k.role, k.scopes, k.workspace_ids, k.test, k.created_by, k.created_at,
       k.expires_at, k.revoked_at, k.last_used_at, coalesce(l.label, '') AS name
FROM vault.api_key AS k LEFT JOIN vault.label AS l ON l.tenant_id = k.tenant_id AND l.id = k.key_id
WHERE k.tenant_id = %(tenant_id)s AND (%(after)s = '' OR k.key_id < %(after)s)
  AND (%(workspaces)s::text[] IS NULL OR k.workspace_ids <@ %(workspaces)s::text[])
ORDER BY k.key_id DESC LIMIT %(limit)s
