-- name: keep
-- A record that stands in the log twice is one row.
INSERT INTO rm.audit_entry_{v} (tenant_id, pos, event_id, at, type, actor, subject_id, reason, correlation,
                                causation, data)
SELECT * FROM unnest(%(tenants)s::text[], %(poss)s::bigint[], %(ids)s::text[], %(ats)s::timestamptz[],
  %(types)s::text[], %(actors)s::text[], %(subjects)s::text[], %(reasons)s::text[], %(correlations)s::text[],
  %(causations)s::text[], %(datas)s::jsonb[])
ON CONFLICT DO NOTHING
