-- name: most_frequent
SELECT seen, provider, phase, code, enhanced, reason AS class, rule, rules_version,
  shape AS example, first_seen_at, last_seen_at
FROM pipeline.unknown_reply
ORDER BY seen DESC, last_seen_at DESC, shape
LIMIT %(limit)s;
