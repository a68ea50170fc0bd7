-- What the planner asks Postgres; role pm_worker. Statements on vault.* need the tenant set.

-- name: accept
-- Note a launch. A repeat changes nothing.
INSERT INTO pipeline.plan (campaign_id, tenant_id, launched)
VALUES (%(campaign_id)s, %(tenant_id)s, %(launched)s)
ON CONFLICT (campaign_id) DO NOTHING

-- name: open_plans
-- Campaigns whose planning is not done, oldest id first (ids rise with time).
SELECT campaign_id FROM pipeline.plan WHERE NOT done ORDER BY campaign_id

-- name: lock
-- One planner at a time works on a campaign; the lock ends with the session at the latest.
SELECT pg_try_advisory_lock(hashtext('pm.plan'), hashtext(%(campaign_id)s))

-- name: unlock
SELECT pg_advisory_unlock(hashtext('pm.plan'), hashtext(%(campaign_id)s))

-- name: plan
SELECT launched, frozen, next_ordinal, total, batches, done
FROM pipeline.plan WHERE campaign_id = %(campaign_id)s

-- name: routes_of_ips
-- The routes of the campaign's sending IPs that the schedule has folded already.
SELECT ip, route FROM pipeline.ip WHERE ip = ANY(%(ips)s)

-- name: domains_to_resolve
-- Domains of the audience whose provider is not known, or was found out too long ago.
SELECT DISTINCT c.domain
FROM vault.list_member m
JOIN vault.contact c USING (tenant_id, contact_id)
LEFT JOIN vault.domain_route r
  ON r.domain = c.domain AND r.resolved_at > clock_timestamp() - make_interval(secs => %(age_max_s)s)
WHERE m.list_id = ANY(%(list_ids)s) AND c.erased_at IS NULL AND r.domain IS NULL

-- name: keep_route
INSERT INTO vault.domain_route (domain, provider, resolved_at)
VALUES (%(domain)s, %(provider)s, clock_timestamp())
ON CONFLICT (domain) DO UPDATE SET provider = excluded.provider, resolved_at = excluded.resolved_at

-- name: gather
-- The audience of this transaction: each contact once, with its provider, the zone of its clocks where
-- that matters, and its place within both: who engaged lately first, and last who did long ago where
-- an IP is not warm yet.
-- One key to part and one to sort by, compared as bytes: that is what the time goes into.
CREATE TEMP TABLE gathered ON COMMIT DROP AS
SELECT contact_id, provider, zone, (row_number() OVER (
    PARTITION BY (provider || '/' || zone) COLLATE "C" ORDER BY (CASE
      WHEN engaged_at >= %(fresh)s THEN '1' WHEN engaged_at >= %(recent)s THEN '2'
      WHEN engaged_at < %(old)s AND (provider = ANY(%(cold)s::text[])
        OR '*' = ANY(%(cold)s::text[]) AND provider <> ALL(%(but)s::text[])) THEN '4'
      ELSE '3' END || contact_id) COLLATE "C") - 1)::int AS place
FROM (
  SELECT c.contact_id, coalesce(%(provider)s::text, r.provider, 'other') AS provider,
    coalesce(z.meant, '') AS zone, e.at AS engaged_at
  FROM (SELECT DISTINCT contact_id FROM vault.list_member WHERE list_id = ANY(%(list_ids)s)) m
  JOIN vault.contact c USING (contact_id)
  LEFT JOIN vault.domain_route r ON %(provider)s::text IS NULL AND r.domain = c.domain
  LEFT JOIN unnest(%(contacts)s::text[], %(moments)s::timestamptz[]) AS e (contact_id, at)
    ON e.contact_id = c.contact_id
  LEFT JOIN unnest(%(told)s::text[], %(meant)s::text[]) AS z (told, meant)
    ON z.told = coalesce(c.fields ->> 'time_zone', c.fields ->> 'timezone')
  WHERE c.erased_at IS NULL
) found

-- name: gathered_counts
SELECT provider, zone, count(*)::int FROM gathered GROUP BY provider, zone
ORDER BY provider COLLATE "C", zone COLLATE "C"

-- name: freeze_batches
INSERT INTO vault.frozen_batch
  (tenant_id, campaign_id, step, ordinal, batch_id, provider, size, zone, due_at, expires_at)
SELECT %(tenant_id)s, %(campaign_id)s, %(step)s, b.*
FROM unnest(%(ordinals)s::int[], %(batch_ids)s::text[], %(providers)s::text[], %(sizes)s::int[],
            %(zones)s::text[], %(due_at)s::timestamptz[], %(expires_at)s::timestamptz[]) AS b

-- name: freeze_audience
INSERT INTO vault.audience (tenant_id, batch_id, idx, campaign_id, contact_id)
SELECT %(tenant_id)s, b.batch_id, g.place %% %(chunk_size)s, %(campaign_id)s, g.contact_id
FROM gathered g
JOIN unnest(%(batch_ids)s::text[], %(providers)s::text[], %(zones)s::text[], %(chunks)s::int[])
  AS b (batch_id, provider, zone, chunk)
  ON b.provider = g.provider AND b.zone = g.zone AND b.chunk = g.place / %(chunk_size)s

-- name: mark_frozen
UPDATE pipeline.plan SET frozen = true, total = %(total)s, batches = %(batches)s
WHERE campaign_id = %(campaign_id)s AND NOT frozen

-- name: next_batches
-- Frozen batches from an ordinal on, each with its contacts by index.
SELECT f.batch_id, f.provider, array_agg(a.contact_id ORDER BY a.idx), f.zone, f.due_at, f.expires_at
FROM vault.frozen_batch f
JOIN vault.audience a USING (tenant_id, batch_id)
WHERE f.campaign_id = %(campaign_id)s AND f.step = %(step)s
  AND f.ordinal >= %(ordinal)s AND f.ordinal < %(ordinal)s + %(count)s
GROUP BY f.tenant_id, f.campaign_id, f.step, f.ordinal
ORDER BY f.ordinal

-- name: mark_written
UPDATE pipeline.plan SET next_ordinal = greatest(next_ordinal, %(ordinal)s)
WHERE campaign_id = %(campaign_id)s

-- name: mark_done
UPDATE pipeline.plan SET done = true WHERE campaign_id = %(campaign_id)s
