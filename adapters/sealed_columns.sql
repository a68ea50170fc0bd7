-- Where sealed secrets are, and their change to the newest key. As the database's owner.

-- name: columns
-- Every bytea column that could hold one. Log, pipeline and read models hold no secret.
SELECT n.nspname AS schema_name, c.relname AS table_name, a.attname AS column_name,
  EXISTS (SELECT FROM pg_attribute t
          WHERE t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped) AS of_tenants
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.atttypid = 'bytea'::regtype AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'
  AND n.nspname NOT IN ('es', 'pipeline', 'rm', 'pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\_%'
ORDER BY 1, 2, 3

-- name: tenants
SELECT tenant_id FROM pipeline.tenant ORDER BY tenant_id
