-- Exports are questions that are kept: what is asked for, never its answer. Rows and addresses are read
-- when they are downloaded, so that who was erased meanwhile is in no export.
CREATE TABLE vault.export (
  tenant_id text NOT NULL, export_id text NOT NULL,
  format text NOT NULL, wanted jsonb NOT NULL,  -- filters, by their names in GET /v1/sends
  with_addresses boolean NOT NULL,
  workspace_ids text[],      -- the only ones that its maker could see; NULL: all of them
  created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, export_id)
);
ALTER TABLE vault.export ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.export FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON vault.export USING (tenant_id = (SELECT app.tenant()))
  WITH CHECK (tenant_id = (SELECT app.tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.export TO pm_api, pm_worker;
