-- Which setting names a transaction's tenant is the services' choice (PM_TENANT_SETTING): ours, or the
-- one by which a Nile database knows tenants.
CREATE OR REPLACE FUNCTION app.tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(nullif(current_setting('app.tenant_id', true), ''),
                  nullif(current_setting('nile.tenant_id', true), ''));
