-- A domain's keys follow one another: one of an algorithm signs, one may wait or be on its way out.
ALTER TABLE vault.signing_key
  ADD COLUMN state text NOT NULL DEFAULT 'active' CHECK (state IN ('pending', 'active', 'retiring')),
  ADD COLUMN retire_at timestamptz;  -- of a retiring key: when its private half is destroyed
CREATE UNIQUE INDEX signing_key_signs ON vault.signing_key (tenant_id, domain_id, algorithm)
  WHERE state = 'active';

-- When a domain's DNS is looked at next, and how often in a row records were missing.
CREATE TABLE vault.domain_care (
  tenant_id text NOT NULL, domain_id text NOT NULL, due_at timestamptz NOT NULL,
  misses int NOT NULL DEFAULT 0, missing_since timestamptz,
  PRIMARY KEY (tenant_id, domain_id)
);

-- Domains of before: looked at within the next six hours, spread out. Keys are read past their policy.
CREATE POLICY migrating ON vault.signing_key FOR SELECT TO CURRENT_USER USING (true);
INSERT INTO vault.domain_care (tenant_id, domain_id, due_at)
SELECT tenant_id, domain_id, now() + random() * interval '6 hours'
FROM (SELECT DISTINCT tenant_id, domain_id FROM vault.signing_key) AS known;
DROP POLICY migrating ON vault.signing_key;

CREATE INDEX domain_care_due ON vault.domain_care (due_at);
ALTER TABLE vault.domain_care ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.domain_care FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON vault.domain_care USING (tenant_id = (SELECT app.tenant()))
  WITH CHECK (tenant_id = (SELECT app.tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.domain_care TO pm_api, pm_worker;

-- What is due, of all tenants, for the timer alone (streams/tending.py).
CREATE POLICY look_up ON vault.domain_care FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION app.domains_due(p_most int) RETURNS TABLE (tenant_id text, domain_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.tenant_id, c.domain_id FROM vault.domain_care AS c
  WHERE c.due_at <= now()
    AND NOT EXISTS (SELECT FROM pipeline.held_tenant AS h WHERE h.tenant_id = c.tenant_id)
  ORDER BY c.due_at, c.tenant_id, c.domain_id LIMIT p_most
$$;
REVOKE ALL ON FUNCTION app.domains_due(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.domains_due(int) TO pm_worker;
