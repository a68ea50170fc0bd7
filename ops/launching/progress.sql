-- name: counts
SELECT state, sum(sends)::bigint FROM rm.campaign_counters WHERE campaign_id = %s GROUP BY state

-- name: campaign
SELECT state, launched_at, ended_at, planned_total FROM rm.campaign WHERE campaign_id = %s

-- name: lanes
SELECT coalesce(sum(size), 0)::bigint FROM pipeline.release WHERE campaign_id = %s AND state = 'released'

-- name: newest_end
SELECT max(ended_at) FROM rm.send_ledger WHERE campaign_id = %s

-- name: counted_until
SELECT f.caught_up_at FROM app.read_model AS m
JOIN app.freshness AS f ON f.reader = m.name || '_v' || m.version
WHERE m.name = 'send_ledger' AND m.state = 'active'
