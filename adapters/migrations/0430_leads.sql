-- Leads that are edited and searched, tags, segments, counted lists, and imports over HTTP.
-- Searches compare with =, <, >= alone: under RLS an index serves no other operator.
ALTER TABLE vault.contact
  ALTER COLUMN address_key TYPE text COLLATE "C",  -- so that one index serves equality, prefix and order
  ADD COLUMN version bigint NOT NULL DEFAULT 1,
  ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN import_id text NOT NULL DEFAULT '';   -- that brought it first; '' none
CREATE INDEX contact_newest ON vault.contact (tenant_id, created_at, contact_id);
CREATE INDEX contact_domain ON vault.contact (tenant_id, domain, contact_id);
CREATE INDEX member_lists ON vault.list_member (tenant_id, contact_id, list_id);

CREATE TABLE vault.lead_tag (
  tenant_id text NOT NULL, contact_id text NOT NULL, tag text NOT NULL,
  PRIMARY KEY (tenant_id, contact_id, tag)
);
CREATE INDEX tag_leads ON vault.lead_tag (tenant_id, tag, contact_id);

-- Lists know how many members they have, whoever adds or removes them.
ALTER TABLE vault.lead_list
  ADD COLUMN members bigint NOT NULL DEFAULT 0,
  ADD COLUMN segment_id text NOT NULL DEFAULT '',  -- a snapshot of this segment
  ADD COLUMN archived_at timestamptz;
UPDATE vault.lead_list l SET members = (
  SELECT count(*) FROM vault.list_member m WHERE m.tenant_id = l.tenant_id AND m.list_id = l.list_id);
CREATE INDEX lead_list_newest ON vault.lead_list (tenant_id, created_at, list_id);

CREATE FUNCTION vault.count_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE vault.lead_list l
  SET members = l.members + CASE TG_OP WHEN 'INSERT' THEN n.moved ELSE -n.moved END
  FROM (SELECT tenant_id, list_id, count(*) AS moved FROM moved_members GROUP BY tenant_id, list_id) n
  WHERE l.tenant_id = n.tenant_id AND l.list_id = n.list_id;
  RETURN NULL;
END $$;
CREATE TRIGGER members_came AFTER INSERT ON vault.list_member
  REFERENCING NEW TABLE AS moved_members FOR EACH STATEMENT EXECUTE FUNCTION vault.count_members();
CREATE TRIGGER members_went AFTER DELETE ON vault.list_member
  REFERENCING OLD TABLE AS moved_members FOR EACH STATEMENT EXECUTE FUNCTION vault.count_members();

CREATE TABLE vault.segment (
  tenant_id text NOT NULL, segment_id text NOT NULL,
  filter jsonb NOT NULL,  -- domain/segment.py
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL, archived_at timestamptz,
  PRIMARY KEY (tenant_id, segment_id)
);
CREATE INDEX segment_newest ON vault.segment (tenant_id, created_at, segment_id);

-- state: uploaded, queued, running, suppressing, done, failed, cancelled, rolling_back, rolled_back
ALTER TABLE vault.import
  ALTER COLUMN started_at DROP NOT NULL,
  ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN actor text NOT NULL DEFAULT '',
  ADD COLUMN file_name text NOT NULL DEFAULT '',
  ADD COLUMN format text NOT NULL DEFAULT 'csv',  -- of the upload; what is spooled is always CSV
  ADD COLUMN bytes bigint NOT NULL DEFAULT 0,
  ADD COLUMN lines bigint NOT NULL DEFAULT 0,
  ADD COLUMN digest text NOT NULL DEFAULT '',     -- SHA-256 of the upload
  ADD COLUMN mapping jsonb,                       -- column by column; NULL: as guessed
  ADD COLUMN reason text NOT NULL DEFAULT '',     -- why it failed
  ADD COLUMN suppressed bigint NOT NULL DEFAULT 0,
  ADD COLUMN removed_members bigint NOT NULL DEFAULT 0,   -- by a rollback
  ADD COLUMN removed_contacts bigint NOT NULL DEFAULT 0;
CREATE INDEX import_newest ON vault.import (tenant_id, created_at, import_id);

-- What an import brought that was there before: a rollback of the import that brought it first
-- leaves it to this one.
CREATE TABLE vault.import_overlap (
  tenant_id text NOT NULL, import_id text NOT NULL, contact_id text NOT NULL,
  PRIMARY KEY (tenant_id, contact_id, import_id)
);
-- Suppressions that an import brought and that are not decided yet.
CREATE TABLE vault.import_suppression (
  tenant_id text NOT NULL, import_id text NOT NULL, contact_id text NOT NULL, status text NOT NULL,
  PRIMARY KEY (tenant_id, import_id, contact_id)
);

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['lead_tag', 'segment', 'import_overlap', 'import_suppression'] LOOP
    EXECUTE format('ALTER TABLE vault.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE vault.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own_rows ON vault.%I USING (tenant_id = (SELECT app.tenant()))'
                   ' WITH CHECK (tenant_id = (SELECT app.tenant()))', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON vault.%I TO pm_api, pm_worker', name);
  END LOOP;
END $$;

-- Imports that somebody has yet to run or to take back, ids and counts alone: whoever gets the
-- advisory lock of one works on it, and its death gives the lock back.
CREATE TABLE pipeline.import_job (
  import_id text PRIMARY KEY, tenant_id text NOT NULL,
  deed text NOT NULL,  -- run, roll_back
  phase text NOT NULL DEFAULT 'queued',  -- queued, reading, merging, suppressing, removing
  rows_done bigint NOT NULL DEFAULT 0, began_at timestamptz, moved_at timestamptz,
  cancel boolean NOT NULL DEFAULT false, failures int NOT NULL DEFAULT 0,
  queued_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON pipeline.import_job TO pm_api, pm_worker;
