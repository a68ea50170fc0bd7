-- name: keep
INSERT INTO vault.workspace (tenant_id, workspace_id, created_at)
VALUES (%(tenant_id)s, %(workspace_id)s, %(now)s) ON CONFLICT DO NOTHING

-- name: name
INSERT INTO vault.label (tenant_id, id, kind, label)
VALUES (%(tenant_id)s, %(workspace_id)s, 'workspace', %(name)s)
ON CONFLICT (tenant_id, id) DO UPDATE SET label = excluded.label

-- name: archive
UPDATE vault.workspace SET archived_at = coalesce(archived_at, %(now)s)
WHERE tenant_id = %(tenant_id)s AND workspace_id = %(workspace_id)s

-- name: one
SELECT w.workspace_id, coalesce(l.label, '') AS name, w.created_at, w.archived_at
FROM vault.workspace AS w LEFT JOIN vault.label AS l ON l.tenant_id = w.tenant_id AND l.id = w.workspace_id
WHERE w.tenant_id = %(tenant_id)s AND w.workspace_id = %(workspace_id)s
  AND (%(workspaces)s::text[] IS NULL OR w.workspace_id = ANY (%(workspaces)s::text[]))

-- name: page
SELECT w.workspace_id, coalesce(l.label, '') AS name, w.created_at, w.archived_at
FROM vault.workspace AS w LEFT JOIN vault.label AS l ON l.tenant_id = w.tenant_id AND l.id = w.workspace_id
WHERE w.tenant_id = %(tenant_id)s AND w.workspace_id > %(after)s
  AND (%(archived)s OR w.archived_at IS NULL)
  AND (%(workspaces)s::text[] IS NULL OR w.workspace_id = ANY (%(workspaces)s::text[]))
ORDER BY w.workspace_id LIMIT %(limit)s

-- name: members
-- Whoever may see the workspace: those of all of them too.
SELECT m.user_id, coalesce(a.address, '') AS address, coalesce(a.name, '') AS name, m.role, m.state, m.workspace_ids, m.since
FROM (
  SELECT * FROM vault.membership
  WHERE tenant_id = %(tenant_id)s AND user_id > %(after)s AND state <> 'removed'
    AND (workspace_ids IS NULL OR %(workspace_id)s = ANY (workspace_ids))
    AND (%(workspaces)s::text[] IS NULL OR workspace_ids && %(workspaces)s::text[])
  ORDER BY user_id LIMIT %(limit)s
) AS m LEFT JOIN LATERAL auth.account_of(m.user_id) AS a ON true
ORDER BY m.user_id

-- name: living
SELECT workspace_id FROM vault.workspace
WHERE tenant_id = %(tenant_id)s AND workspace_id = ANY (%(wanted)s) AND archived_at IS NULL
