-- name: unplanned
-- What the schedule knows to run and no planner accepted, although the launch is so old.
SELECT c.campaign_id, c.tenant_id FROM pipeline.campaign AS c
WHERE c.state = 'running' AND c.total IS NULL
  AND c.launched_at < clock_timestamp() - make_interval(secs => %(age_s)s)
  AND NOT EXISTS (SELECT FROM pipeline.plan AS p WHERE p.campaign_id = c.campaign_id)
ORDER BY c.campaign_id LIMIT %(most)s

-- name: launch
-- With the tenant set.
SELECT topic, state FROM es.decision_events
WHERE originator_id = %(stream)s AND split_part(topic, '.v', 1) = 'CampaignLaunched'
ORDER BY originator_version DESC LIMIT 1
