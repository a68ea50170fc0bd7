-- What suppressing asks Postgres, the tenant set.

-- name: contacts
-- Who was rejected and is not suppressed by the tenant yet, with the hash of the address.
SELECT a.idx, a.contact_id,
  coalesce(encode(vault.address_hash(coalesce(c.address_key, lower(c.address)), %(hash_key)s), 'hex'),
    '')
FROM vault.audience a
LEFT JOIN vault.contact c USING (tenant_id, contact_id)
LEFT JOIN vault.suppression s
  ON s.tenant_id = a.tenant_id AND s.contact_id = a.contact_id AND s.scope = 'tenant'
WHERE a.batch_id = %(batch_id)s AND a.idx <@ %(ranges)s::int4multirange AND s.contact_id IS NULL
ORDER BY a.idx

-- name: active_tenants
-- Whose campaigns went out lately.
SELECT DISTINCT tenant_id FROM pipeline.campaign
WHERE launched_at > clock_timestamp() - make_interval(secs => %(within_s)s)

-- name: rejections
-- What the ledger heard of rejections lately, by the event that told it.
SELECT event_id, batch_id, reason, ranges::text FROM rm.send_fact
WHERE kind = 'rejected' AND at > clock_timestamp() - make_interval(secs => %(within_s)s)
ORDER BY event_id, seq
