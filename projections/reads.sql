-- name: freshness
SELECT f.caught_up_at, extract(epoch FROM clock_timestamp() - f.caught_up_at)::float8 AS age_s,
  f.lag_records
FROM app.read_model AS m JOIN app.freshness AS f ON f.reader = m.name || '_v' || m.version
WHERE m.name = %(model)s AND m.state = 'active' AND f.caught_up_at > to_timestamp(0)
