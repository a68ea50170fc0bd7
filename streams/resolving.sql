-- name: doubts
-- What nobody knows, by (batch, attempt) and sending IP: so many attempts after this one, in the order
-- of their ids. A row of an attempt that no release tells of has no IP: it says only that it was met.
SELECT a.batch_id, a.n, b.tenant_id, b.campaign_id, b.message_class, r.ip,
  (r.ranges * a.ambiguous)::text AS ranges
FROM (
  SELECT batch_id, n, ambiguous FROM pipeline.attempt_set
  WHERE NOT isempty(ambiguous) AND (batch_id, n) > (%(batch_id)s, %(n)s)
  ORDER BY batch_id, n LIMIT %(attempts_max)s
) a
LEFT JOIN (pipeline.batch b JOIN pipeline.release r USING (batch_id))
  ON b.batch_id = a.batch_id AND r.n = a.n AND r.ranges && a.ambiguous
  AND r.state IN ('started', 'concluded')
ORDER BY a.batch_id, a.n

-- name: resendable
-- Transactional sends that may be tried again, once: after their owner may write no dot any more, and
-- before finishing counts their campaign. Found by the deadline: few are so young.
SELECT * FROM (
  SELECT a.batch_id, a.n, b.tenant_id, b.campaign_id, b.message_class, r.ip,
    (r.ranges * a.ambiguous - coalesce(
      (SELECT range_agg(part) FROM pipeline.resent s, unnest(s.ranges) AS part
       WHERE s.batch_id = a.batch_id), '{}'))::text AS ranges
  FROM pipeline.release r
  JOIN pipeline.attempt_set a ON a.batch_id = r.batch_id AND a.n = r.n AND NOT isempty(a.ambiguous)
  JOIN pipeline.batch b ON b.batch_id = r.batch_id
  JOIN pipeline.campaign c ON c.campaign_id = b.campaign_id
  WHERE r.state IN ('started', 'concluded') AND r.ranges && a.ambiguous
    AND r.deadline_at < clock_timestamp()
    AND r.deadline_at > clock_timestamp() - make_interval(secs => %(resend_within_s)s)
    AND b.message_class = 'transactional' AND b.parked = '' AND b.expires_at > clock_timestamp()
    AND c.state = 'running'
) found WHERE ranges <> '{}'

-- name: signals
-- What the world said about sends of these batches: each proves that the mail arrived.
SELECT batch_id, idx, min(kind) FROM rm.send_signal WHERE batch_id = ANY(%(batch_ids)s)
GROUP BY batch_id, idx

-- name: send_ids
SELECT batch_id, idx, send_id FROM rm.send_ledger WHERE batch_id = ANY(%(batch_ids)s)
