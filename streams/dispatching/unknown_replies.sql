-- name: keep
WITH known AS (
  UPDATE pipeline.unknown_reply
  SET seen = seen + %(seen)s, last_seen_at = clock_timestamp(), enhanced = %(enhanced)s,
    reason = %(reason)s, rule = %(rule)s, rules_version = %(rules_version)s
  WHERE provider = %(provider)s AND phase = %(phase)s AND code = %(code)s AND shape = %(shape)s
  RETURNING 1
)
INSERT INTO pipeline.unknown_reply
  (provider, phase, code, shape, enhanced, reason, rule, rules_version, seen)
SELECT %(provider)s, %(phase)s, %(code)s, %(shape)s, %(enhanced)s, %(reason)s, %(rule)s,
  %(rules_version)s, %(seen)s
WHERE NOT EXISTS (SELECT FROM known)
  AND (SELECT count(*) FROM pipeline.unknown_reply) < %(rows_max)s
ON CONFLICT (provider, phase, code, shape) DO UPDATE SET seen = unknown_reply.seen + EXCLUDED.seen;
