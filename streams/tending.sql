-- What tending asks Postgres; role pm_worker.

-- name: due
SELECT tenant_id, domain_id FROM app.domains_due(%(most)s)
