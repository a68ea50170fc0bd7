-- Lists, segments and imports of one tenant, as asked over HTTP. `only`: workspaces; NULL: all.

-- name: lists
SELECT l.list_id, coalesce(n.label, '') AS name, coalesce(w.workspace_id, '') AS workspace_id,
  l.segment_id, l.members, l.created_at, l.archived_at
FROM vault.lead_list l
  LEFT JOIN vault.label n ON n.tenant_id = l.tenant_id AND n.id = l.list_id
  LEFT JOIN vault.workspace_of w ON w.tenant_id = l.tenant_id AND w.id = l.list_id
WHERE l.tenant_id = %(tenant_id)s AND (%(id)s = '' OR l.list_id = %(id)s)
  AND (%(after_at)s::timestamptz IS NULL OR (l.created_at, l.list_id) < (%(after_at)s::timestamptz, %(after_id)s))
  AND (%(archived)s::boolean IS NULL OR (l.archived_at IS NOT NULL) = %(archived)s)
  AND (%(only)s::text[] IS NULL OR coalesce(w.workspace_id, '') = ANY(%(only)s))
ORDER BY l.created_at DESC, l.list_id DESC LIMIT %(limit)s

-- name: segments
SELECT s.segment_id, coalesce(n.label, '') AS name, coalesce(w.workspace_id, '') AS workspace_id,
  s.filter, s.version, s.created_at, s.changed_at, s.archived_at
FROM vault.segment s
  LEFT JOIN vault.label n ON n.tenant_id = s.tenant_id AND n.id = s.segment_id
  LEFT JOIN vault.workspace_of w ON w.tenant_id = s.tenant_id AND w.id = s.segment_id
WHERE s.tenant_id = %(tenant_id)s AND (%(id)s = '' OR s.segment_id = %(id)s)
  AND (%(after_at)s::timestamptz IS NULL
       OR (s.created_at, s.segment_id) < (%(after_at)s::timestamptz, %(after_id)s))
  AND (%(archived)s::boolean IS NULL OR (s.archived_at IS NOT NULL) = %(archived)s)
  AND (%(only)s::text[] IS NULL OR coalesce(w.workspace_id, '') = ANY(%(only)s))
ORDER BY s.created_at DESC, s.segment_id DESC LIMIT %(limit)s

-- name: imports
SELECT i.import_id, i.list_id, i.state, i.file_name, i.format, i.bytes, i.lines, i.rows, i.imported, i.duplicates,
  i.rejected, i.suppressed, i.removed_members, i.removed_contacts, i.reason, i.created_at, i.started_at, i.ended_at,
  j.phase, j.rows_done, j.cancel, j.began_at, j.moved_at
FROM vault.import i
  LEFT JOIN pipeline.import_job j ON j.import_id = i.import_id AND j.tenant_id = i.tenant_id
  LEFT JOIN vault.workspace_of w ON w.tenant_id = i.tenant_id AND w.id = i.list_id
WHERE i.tenant_id = %(tenant_id)s AND (%(id)s = '' OR i.import_id = %(id)s)
  AND (%(list_id)s = '' OR i.list_id = %(list_id)s)
  AND (%(after_at)s::timestamptz IS NULL
       OR (i.created_at, i.import_id) < (%(after_at)s::timestamptz, %(after_id)s))
  AND (%(only)s::text[] IS NULL OR coalesce(w.workspace_id, '') = ANY(%(only)s))
ORDER BY i.created_at DESC, i.import_id DESC LIMIT %(limit)s

-- name: rejects
SELECT line, reason, row FROM vault.import_reject
WHERE tenant_id = %(tenant_id)s AND import_id = %(id)s AND line > %(after)s ORDER BY line LIMIT %(limit)s
