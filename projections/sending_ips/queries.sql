-- name: ips
SELECT ip, address, route, relay_host, relay_port, added_at, retired_at, quarantined_at,
  quarantine_reason
FROM rm.sending_ip WHERE tenant_id = %(tenant_id)s ORDER BY ip

-- name: rules
SELECT ip, provider, cap_pos >= 0 AS has_cap, cap_per_day, cap_reason,
  rate_pos >= 0 AS has_rate, rate_per_s, burst, rate_reason
FROM rm.sending_ip_cap WHERE tenant_id = %(tenant_id)s ORDER BY ip, provider

-- name: warmups
SELECT ip, provider, plan, curve, target, reason, chosen_at
FROM rm.sending_ip_warmup WHERE tenant_id = %(tenant_id)s ORDER BY ip, provider

-- name: use
-- Started: what the log says left on this day. Reserved: released, and not yet known to have started.
SELECT ip, provider, u.started, coalesce(c.reserved, 0)::bigint AS reserved
FROM rm.sending_ip_use AS u LEFT JOIN pipeline.cap AS c USING (ip, provider, day)
WHERE u.tenant_id = %(tenant_id)s AND day = %(day)s ORDER BY ip, provider
