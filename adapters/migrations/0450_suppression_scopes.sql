-- Suppression in four scopes. A tenant's own stand by the keyed hash of the address: who is erased and
-- imported again gets another contact, and stays suppressed. Where the address was not known (NULL)
-- they stand by the contact alone.
ALTER TABLE vault.suppression
  ADD COLUMN scope text NOT NULL DEFAULT 'tenant',  -- tenant, workspace, message_class
  ADD COLUMN target text NOT NULL DEFAULT '',       -- the workspace's id, or the message class
  ADD COLUMN address_hash bytea,
  DROP CONSTRAINT suppression_pkey,
  ADD PRIMARY KEY (tenant_id, contact_id, scope, target);
CREATE INDEX suppression_address ON vault.suppression (tenant_id, address_hash)
  WHERE address_hash IS NOT NULL;
CREATE INDEX suppression_contact ON vault.suppression (tenant_id, contact_id)
  WHERE address_hash IS NULL;
CREATE INDEX suppression_newest ON vault.suppression (tenant_id, since DESC, contact_id);

-- What nobody may mail, whatever the tenant: hashes alone, of no tenant, hence no RLS.
CREATE TABLE vault.platform_suppression (
  address_hash bytea PRIMARY KEY, reason text NOT NULL, since timestamptz NOT NULL
);
GRANT SELECT ON vault.platform_suppression TO pm_api, pm_worker, pm_dispatcher, pm_projector;
GRANT INSERT, UPDATE, DELETE ON vault.platform_suppression TO pm_projector;

-- The keyed hash of an address_key: what domain/suppression.py address_hasher makes of it.
CREATE FUNCTION vault.address_hash(address_key text, key bytea) RETURNS bytea
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN sha256(key || convert_to(address_key, 'UTF8') || key);

-- The workspace of a campaign, which a claim compares suppressions of workspaces with.
ALTER TABLE pipeline.campaign ADD COLUMN workspace_id text NOT NULL DEFAULT '';
