-- name: standing
-- What volume control has decided of a scope by now, and the plan that it would begin a cell with.
SELECT
  (SELECT quota FROM pipeline.volume_quota q
   WHERE (q.scope, q.scope_id, q.provider) = (%(scope)s, %(scope_id)s, %(provider)s)) AS quota,
  coalesce(b.status, 'closed') AS breaker, coalesce(b.rule, '') AS rule
FROM (SELECT 1) AS one LEFT JOIN pipeline.volume_breaker b
  ON (b.scope, b.scope_id, b.provider) = (%(scope)s, %(scope_id)s, %(provider)s)
