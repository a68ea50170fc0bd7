-- name: add
INSERT INTO rm.sending_ip_{v} (tenant_id, ip, pos, address, route, relay_host, relay_port, added_at)
VALUES (%(tenant_id)s, %(ip)s, %(pos)s, %(address)s, %(route)s, %(relay_host)s, %(relay_port)s, %(at)s)
ON CONFLICT (tenant_id, ip) DO UPDATE SET pos = excluded.pos, address = excluded.address,
  route = excluded.route, relay_host = excluded.relay_host, relay_port = excluded.relay_port,
  retired_at = NULL
WHERE excluded.pos > sending_ip_{v}.pos

-- name: retire
UPDATE rm.sending_ip_{v} SET retired_at = %(at)s, pos = %(pos)s
WHERE tenant_id = %(tenant_id)s AND ip = %(ip)s AND %(pos)s > pos

-- name: quarantine
UPDATE rm.sending_ip_{v} SET quarantined_at = %(at)s, quarantine_reason = %(reason)s, pos = %(pos)s
WHERE tenant_id = %(tenant_id)s AND ip = %(ip)s AND %(pos)s > pos

-- name: release
UPDATE rm.sending_ip_{v} SET quarantined_at = NULL, quarantine_reason = '', pos = %(pos)s
WHERE tenant_id = %(tenant_id)s AND ip = %(ip)s AND %(pos)s > pos

-- name: warmup
INSERT INTO rm.sending_ip_warmup_{v} AS w (tenant_id, ip, provider, pos, plan, curve, target, reason, chosen_at)
VALUES (%(tenant_id)s, %(ip)s, %(provider)s, %(pos)s, %(plan)s, %(curve)s, %(target)s, %(reason)s, %(at)s)
ON CONFLICT (tenant_id, ip, provider) DO UPDATE SET pos = excluded.pos, plan = excluded.plan,
  curve = excluded.curve, target = excluded.target, reason = excluded.reason, chosen_at = excluded.chosen_at
WHERE excluded.pos > w.pos

-- name: cap
INSERT INTO rm.sending_ip_cap_{v} AS c (tenant_id, ip, provider, cap_pos, cap_per_day, cap_reason)
VALUES (%(tenant_id)s, %(ip)s, %(provider)s, %(pos)s, %(cap_per_day)s, %(reason)s)
ON CONFLICT (tenant_id, ip, provider) DO UPDATE SET cap_pos = excluded.cap_pos,
  cap_per_day = excluded.cap_per_day, cap_reason = excluded.cap_reason
WHERE excluded.cap_pos > c.cap_pos

-- name: rate
INSERT INTO rm.sending_ip_cap_{v} AS c (tenant_id, ip, provider, rate_pos, rate_per_s, burst, rate_reason)
VALUES (%(tenant_id)s, %(ip)s, %(provider)s, %(pos)s, %(rate_per_s)s, %(burst)s, %(reason)s)
ON CONFLICT (tenant_id, ip, provider) DO UPDATE SET rate_pos = excluded.rate_pos,
  rate_per_s = excluded.rate_per_s, burst = excluded.burst, rate_reason = excluded.rate_reason
WHERE excluded.rate_pos > c.rate_pos

-- name: use
-- Slices that started, each once, and what they add to their day.
WITH fresh AS (
  INSERT INTO rm.sending_ip_release_{v} (tenant_id, release_id, ip, provider, day, sends)
  SELECT * FROM unnest(%(tenants)s::text[], %(releases)s::text[], %(ips)s::text[], %(providers)s::text[],
                       %(days)s::date[], %(sends)s::int[])
  ON CONFLICT DO NOTHING
  RETURNING *
)
INSERT INTO rm.sending_ip_use_{v} AS u (tenant_id, ip, day, provider, started)
SELECT tenant_id, ip, day, provider, sum(sends) FROM fresh GROUP BY 1, 2, 3, 4
ON CONFLICT (tenant_id, ip, day, provider) DO UPDATE SET started = u.started + excluded.started
