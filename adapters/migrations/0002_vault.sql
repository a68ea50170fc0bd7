-- Objects merged into one, later keys winning.
CREATE AGGREGATE app.merged(jsonb) (SFUNC = jsonb_concat, STYPE = jsonb, INITCOND = '{}');

-- The contact vault and what tenants wrote. Every table: tenant_id first, RLS enabled and forced.

CREATE TABLE vault.label (  -- what people call things
  tenant_id text NOT NULL, id text NOT NULL, kind text NOT NULL, label text NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE TABLE vault.lead_list (
  tenant_id text NOT NULL, list_id text NOT NULL, created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, list_id)
);
CREATE TABLE vault.contact (
  tenant_id text NOT NULL, contact_id text NOT NULL,
  address text,          -- NULL once erased
  address_key text,      -- normalised: what makes two rows the same contact
  domain text NOT NULL,  -- of the address, as A-labels, lower case; '' once erased
  fields jsonb NOT NULL DEFAULT '{}',
  erased_at timestamptz,
  PRIMARY KEY (tenant_id, contact_id),
  UNIQUE (tenant_id, address_key)
);
CREATE TABLE vault.list_member (
  tenant_id text NOT NULL, list_id text NOT NULL, contact_id text NOT NULL, import_id text NOT NULL,
  PRIMARY KEY (tenant_id, list_id, contact_id)
);
CREATE TABLE vault.import (
  tenant_id text NOT NULL, import_id text NOT NULL, list_id text NOT NULL,
  state text NOT NULL,  -- running, done, failed
  rows bigint NOT NULL DEFAULT 0, imported bigint NOT NULL DEFAULT 0,
  duplicates bigint NOT NULL DEFAULT 0, rejected bigint NOT NULL DEFAULT 0,
  fields text[] NOT NULL DEFAULT '{}',  -- the merge fields that its rows had
  encoding text NOT NULL DEFAULT '', delimiter text NOT NULL DEFAULT '',
  started_at timestamptz NOT NULL, ended_at timestamptz,
  PRIMARY KEY (tenant_id, import_id)
);
CREATE TABLE vault.import_reject (
  tenant_id text NOT NULL, import_id text NOT NULL, line bigint NOT NULL, reason text NOT NULL, row text NOT NULL,
  PRIMARY KEY (tenant_id, import_id, line)
);
CREATE TABLE vault.content (  -- published templates; content_id = hash of the body
  tenant_id text NOT NULL, content_id text NOT NULL, body jsonb NOT NULL,
  PRIMARY KEY (tenant_id, content_id)
);
CREATE TABLE vault.sender (
  tenant_id text NOT NULL, sender_id text NOT NULL, address text NOT NULL, name text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, sender_id)
);
CREATE TABLE vault.signing_key (
  tenant_id text NOT NULL, domain_id text NOT NULL, selector text NOT NULL,
  algorithm text NOT NULL,  -- rsa, ed25519
  private_key bytea NOT NULL, public_key text NOT NULL,
  PRIMARY KEY (tenant_id, domain_id, selector)
);
-- The fold of ContactSuppressed and SuppressionLifted that a claim checks.
CREATE TABLE vault.suppression (
  tenant_id text NOT NULL, contact_id text NOT NULL, reason text NOT NULL, since timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, contact_id)
);
-- The frozen audience: one row per contact and campaign step, in planning order.
CREATE TABLE vault.audience (
  tenant_id text NOT NULL, batch_id text NOT NULL, idx int NOT NULL,
  campaign_id text NOT NULL, contact_id text NOT NULL,
  PRIMARY KEY (tenant_id, batch_id, idx)
);
CREATE TABLE vault.frozen_batch (
  tenant_id text NOT NULL, campaign_id text NOT NULL, step int NOT NULL, ordinal int NOT NULL,
  batch_id text NOT NULL, provider text NOT NULL, size int NOT NULL,
  PRIMARY KEY (tenant_id, campaign_id, step, ordinal)
);

DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'vault' LOOP
    EXECUTE format('ALTER TABLE vault.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE vault.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own_rows ON vault.%I USING (tenant_id = (SELECT app.tenant()))'
                   ' WITH CHECK (tenant_id = (SELECT app.tenant()))', name);
  END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA vault TO pm_api, pm_worker;
GRANT SELECT ON vault.contact, vault.content, vault.sender, vault.signing_key, vault.suppression,
  vault.audience, vault.label TO pm_dispatcher;
-- The projector folds suppressions of all tenants, by an explicit policy; it reads nothing else here.
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.suppression TO pm_projector;
CREATE POLICY all_rows_of_the_fold ON vault.suppression TO pm_projector USING (true) WITH CHECK (true);

-- Which provider a recipient's domain belongs to, by its MX. A domain is no person: no tenant, no RLS.
CREATE TABLE vault.domain_route (
  domain text PRIMARY KEY, provider text NOT NULL, resolved_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON vault.domain_route TO pm_worker;
