-- The fold of decisions about where mail leaves from. Decisions of one tenant lie in one partition, so
-- they come in order.

-- name: quarantine
UPDATE pipeline.ip SET quarantined = %(quarantined)s WHERE ip = %(ip)s

-- name: placed
UPDATE pipeline.ip SET vps_id = %(vps_id)s,
  vps_serves = coalesce((SELECT serves FROM pipeline.vps v WHERE v.vps_id = %(vps_id)s), true)
WHERE ip = %(ip)s

-- name: vps
WITH told AS (
  INSERT INTO pipeline.vps (vps_id, serves) VALUES (%(vps_id)s, %(serves)s)
  ON CONFLICT (vps_id) DO UPDATE SET serves = excluded.serves
)
UPDATE pipeline.ip SET vps_serves = %(serves)s WHERE vps_id = %(vps_id)s

-- name: pool_ip
INSERT INTO pipeline.pool_ip (pool_id, ip) VALUES (%(pool_id)s, %(ip)s) ON CONFLICT DO NOTHING

-- name: pool_ip_removed
DELETE FROM pipeline.pool_ip WHERE pool_id = %(pool_id)s AND ip = %(ip)s

-- name: pool_retired
DELETE FROM pipeline.pool_ip WHERE pool_id = %(pool_id)s

-- name: campaign_ips
-- What waits leaves from these; what is released from others is taken back or ends where it is.
UPDATE pipeline.campaign SET ips = %(ips)s, pool_id = %(pool_id)s WHERE campaign_id = %(campaign_id)s
