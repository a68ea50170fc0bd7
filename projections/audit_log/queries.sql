-- name: page
-- Newest first. Who sees some workspaces sees what was done there, and what they did themselves.
SELECT a.pos, a.event_id, a.at, a.type, a.actor, a.subject_id, a.reason, a.correlation, a.causation, a.data
FROM rm.audit_entry AS a
WHERE a.tenant_id = %(tenant_id)s AND a.pos < %(after)s
  AND (%(actor)s = '' OR a.actor = %(actor)s)
  AND (%(type)s = '' OR a.type = %(type)s)
  AND (%(subject)s = '' OR a.subject_id = %(subject)s)
  AND (%(since)s::timestamptz IS NULL OR a.at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR a.at < %(until)s)
  AND (%(workspaces)s::text[] IS NULL
    OR a.actor = %(looker)s
    OR a.subject_id = ANY (%(workspaces)s::text[])
    OR EXISTS (
      SELECT FROM vault.workspace_of AS w
      WHERE w.tenant_id = a.tenant_id AND w.id = a.subject_id AND w.workspace_id = ANY (%(workspaces)s::text[])
    ))
ORDER BY a.pos DESC LIMIT %(limit)s
