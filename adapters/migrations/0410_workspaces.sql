-- Workspaces divide a tenant, for an agency's clients. What belongs to one says so here; all else is
-- the tenant's own ('').
CREATE TABLE vault.workspace (
  tenant_id text NOT NULL, workspace_id text NOT NULL, created_at timestamptz NOT NULL,
  archived_at timestamptz,
  PRIMARY KEY (tenant_id, workspace_id)
);
CREATE TABLE vault.workspace_of (
  tenant_id text NOT NULL, id text NOT NULL, workspace_id text NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX workspace_holds ON vault.workspace_of (tenant_id, workspace_id, id);

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['workspace', 'workspace_of'] LOOP
    EXECUTE format('ALTER TABLE vault.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE vault.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own_rows ON vault.%I USING (tenant_id = (SELECT app.tenant()))'
                   ' WITH CHECK (tenant_id = (SELECT app.tenant()))', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON vault.%I TO pm_api, pm_worker', name);
  END LOOP;
END $$;
