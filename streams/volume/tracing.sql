-- name: left_from
SELECT send_id, ip, provider, campaign_id FROM rm.send_ledger
WHERE send_id = ANY(%(send_ids)s) AND ip <> ''
