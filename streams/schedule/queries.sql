-- Questions about the schedule.

-- name: settled
-- Whether every requested send of a campaign has its end, and no owner may still say otherwise.
-- All batches must be known: AudiencePlanned and BatchPlanned lie in different partitions.
SELECT c.total IS NOT NULL
  AND c.total = (SELECT coalesce(sum(b.size), 0) FROM pipeline.batch b
                 WHERE b.campaign_id = c.campaign_id)
  AND NOT EXISTS (SELECT FROM pipeline.waiting w WHERE w.campaign_id = c.campaign_id)
  AND NOT EXISTS (SELECT FROM pipeline.release r WHERE r.campaign_id = c.campaign_id
                  AND r.state IN ('released', 'started', 'ending'))
  AND NOT EXISTS (
    SELECT FROM pipeline.batch b JOIN pipeline.attempt_set a USING (batch_id)
    JOIN pipeline.release r ON r.batch_id = a.batch_id AND r.n = a.n AND r.ranges && (a.ambiguous - a.spoken)
    WHERE b.campaign_id = c.campaign_id AND NOT isempty(a.ambiguous - a.spoken)
      AND r.deadline_at > clock_timestamp())
  -- Ambiguous transactional sends may be tried once more (streams/resolving.sql, within 50 s): until
  -- then, and until that is folded, they are not at their end.
  AND NOT EXISTS (
    SELECT FROM pipeline.batch b JOIN pipeline.attempt_set a USING (batch_id)
    JOIN pipeline.release r ON r.batch_id = a.batch_id AND r.n = a.n AND r.ranges && a.ambiguous
    WHERE b.campaign_id = c.campaign_id AND b.message_class = 'transactional'
      AND NOT isempty(a.ambiguous) AND r.deadline_at + interval '75 s' > clock_timestamp()
      AND c.state = 'running' AND b.expires_at > clock_timestamp() AND b.parked = ''
      AND NOT EXISTS (SELECT FROM pipeline.resent s WHERE s.batch_id = a.batch_id AND s.ranges @> a.ambiguous))
FROM pipeline.campaign c WHERE c.campaign_id = %(campaign_id)s
