-- name: tables
-- One row per decision of a tenant, by its place in the log.
CREATE TABLE rm.audit_entry_{v} (
  tenant_id text NOT NULL, pos bigint NOT NULL,
  event_id text NOT NULL, at timestamptz NOT NULL, type text NOT NULL,
  actor text NOT NULL,       -- who did it: a user, key or member of staff, `operator`, or a role
  subject_id text NOT NULL,  -- what it is about
  reason text NOT NULL, correlation text NOT NULL, causation text NOT NULL,
  data jsonb NOT NULL,       -- the whole event
  PRIMARY KEY (tenant_id, pos)
);
CREATE INDEX audit_by_actor_{v} ON rm.audit_entry_{v} (tenant_id, actor, pos);
CREATE INDEX audit_by_type_{v} ON rm.audit_entry_{v} (tenant_id, type, pos);
CREATE INDEX audit_by_subject_{v} ON rm.audit_entry_{v} (tenant_id, subject_id, pos);
CREATE INDEX audit_by_time_{v} ON rm.audit_entry_{v} (tenant_id, at, pos);

-- name: views
CREATE VIEW rm.audit_entry WITH (security_invoker = true) AS SELECT * FROM rm.audit_entry_{v};
