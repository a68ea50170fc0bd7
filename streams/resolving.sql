-- name: doubts
-- What nobody knows, by (batch, attempt) and sending IP. May be tried again: a transactional send, once,
-- after its owner may write no dot any more, and before finishing counts its campaign.
SELECT a.batch_id, a.n, b.tenant_id, b.campaign_id, b.message_class, r.ip,
  (r.ranges * a.ambiguous)::text AS ranges,
  CASE WHEN b.message_class = 'transactional' AND b.parked = '' AND b.expires_at > clock_timestamp()
      AND c.state = 'running' AND r.deadline_at < clock_timestamp()
      AND r.deadline_at + make_interval(secs => %(resend_within_s)s) > clock_timestamp()
    THEN r.ranges * a.ambiguous - coalesce(
      (SELECT range_agg(part) FROM pipeline.resent s, unnest(s.ranges) AS part
       WHERE s.batch_id = a.batch_id), '{}')
    ELSE '{}' END::text AS resendable
FROM pipeline.attempt_set a
JOIN pipeline.batch b USING (batch_id)
JOIN pipeline.campaign c ON c.campaign_id = b.campaign_id
JOIN pipeline.release r ON r.batch_id = a.batch_id AND r.n = a.n AND r.ranges && a.ambiguous
  AND r.state IN ('started', 'concluded')
WHERE NOT isempty(a.ambiguous)

-- name: signals
-- What the world said about sends of these batches: each proves that the mail arrived.
SELECT batch_id, idx, min(kind) FROM rm.send_signal WHERE batch_id = ANY(%(batch_ids)s)
GROUP BY batch_id, idx

-- name: send_ids
SELECT batch_id, idx, send_id FROM rm.send_ledger WHERE batch_id = ANY(%(batch_ids)s)
