-- What changed in a tenant's campaigns, imports and volume control since a position. Postgres itself tells: each row knows which
-- transaction wrote it last (`moved_in`), so that nothing has to be written for it.

-- name: position
-- Every transaction below it has ended: what it wrote is seen by whoever reads after this.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS position,
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS ahead

-- name: moved
-- Campaigns of which a row was written at or after a position. Ages are distances from the running
-- transaction, so the 32 bits that a row keeps of its own are enough; without a position: all.
WITH since AS (SELECT coalesce(age((%(place)s::bigint & 4294967295)::text::xid), 2147483647) AS age)
SELECT c.campaign_id, coalesce(w.workspace_id, '') AS workspace_id, c.state, c.reason, c.launched_at,
  c.ended_at, age(c.moved_in) <= s.age AS decided
FROM rm.campaign AS c CROSS JOIN since AS s
  LEFT JOIN vault.workspace_of AS w ON w.tenant_id = c.tenant_id AND w.id = c.campaign_id
WHERE c.tenant_id = %(tenant_id)s AND (age(c.moved_in) <= s.age
  OR c.campaign_id IN (SELECT n.campaign_id FROM rm.campaign_counters AS n CROSS JOIN since AS s
                       WHERE n.tenant_id = %(tenant_id)s AND age(n.moved_in) <= s.age)
  OR c.campaign_id IN (SELECT t.campaign_id FROM rm.send_stat_campaign AS t CROSS JOIN since AS s
                       WHERE t.tenant_id = %(tenant_id)s AND age(t.moved_in) <= s.age))
ORDER BY c.campaign_id

-- name: states
SELECT campaign_id, state, sum(sends)::bigint AS sends FROM rm.campaign_counters
WHERE tenant_id = %(tenant_id)s AND campaign_id = ANY(%(campaign_ids)s) GROUP BY 1, 2

-- name: imports
-- Imports of which the row or the job was written at or after a position. Who ends a job writes the row.
WITH since AS (SELECT coalesce(age((%(place)s::bigint & 4294967295)::text::xid), 2147483647) AS age)
SELECT i.import_id, i.list_id, i.state, i.lines, i.rows, i.imported, i.duplicates, i.rejected, i.suppressed,
  i.removed_members, i.removed_contacts, i.reason, i.created_at, i.started_at, i.ended_at,
  j.phase, j.rows_done, j.cancel, j.began_at, j.moved_at, coalesce(w.workspace_id, '') AS workspace_id
FROM vault.import AS i CROSS JOIN since AS s
  LEFT JOIN pipeline.import_job AS j ON j.import_id = i.import_id AND j.tenant_id = i.tenant_id
  LEFT JOIN vault.workspace_of AS w ON w.tenant_id = i.tenant_id AND w.id = i.list_id
WHERE i.tenant_id = %(tenant_id)s AND (age(i.xmin) <= s.age OR age(j.xmin) <= s.age)
ORDER BY i.created_at, i.import_id

-- name: scopes
-- What volume control decided anew at or after a position, as it holds now.
WITH since AS (SELECT coalesce(age((%(place)s::bigint & 4294967295)::text::xid), 2147483647) AS age)
SELECT v.scope, v.scope_id, v.provider, v.quota, v.quota_rule, v.per_h AS rate_per_h, v.connections, v.phase,
  v.breaker, v.breaker_until, v.breaker_rule, coalesce(w.workspace_id, '') AS workspace_id
FROM rm.volume_scope AS v CROSS JOIN since AS s
  LEFT JOIN vault.workspace_of AS w ON w.tenant_id = v.tenant_id AND w.id = v.scope_id
WHERE v.tenant_id = %(tenant_id)s AND age(v.moved_in) <= s.age
ORDER BY v.scope, v.scope_id, v.provider

-- name: read
-- Moves whenever the reader of ledger or volume has read on, or another version of it took over; whenever
-- an import's job was written, and after an import was kept, called off or ended.
SELECT coalesce(sum(c.next_offset), 0)::bigint AS read,
  string_agg(DISTINCT c.reader, ' ' ORDER BY c.reader) AS reader,
  (SELECT concat(m.last_value, m.is_called) FROM pipeline.import_moves AS m)
  || (SELECT coalesce(md5(string_agg(concat(j.import_id, j.xmin), ' ' ORDER BY j.import_id)), '')
      FROM pipeline.import_job AS j) AS jobs
FROM app.read_model AS m JOIN app.cursor AS c ON c.reader = m.name || '_v' || m.version
WHERE m.name IN ('send_ledger', 'volume') AND m.state = 'active'
