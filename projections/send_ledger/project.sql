-- name: plan_for_few_rows
-- A range of a batch is found by its key: a join by hash would read the whole ledger for it.
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_seqscan', 'off', true)

-- name: settled
-- What counted so far of the outcomes of these batches' attempts, by topic.
SELECT tenant_id, batch_id, n, topic,
  range_agg(counted) FILTER (WHERE kind <> 'ambiguous')::text, range_agg(counted)::text
FROM rm.send_fact_{v} JOIN unnest(%(tenants)s::text[], %(batches)s::text[]) AS b (tenant_id, batch_id)
  USING (tenant_id, batch_id)
WHERE kind <> 'started'
GROUP BY tenant_id, batch_id, n, topic

-- name: told_before
-- The facts of batches that are only now planned. Of one that was planned before they have moved its
-- rows already, and are not to be counted again.
SELECT tenant_id, batch_id, n, kind, counted::text, at, ip, reason, code, enhanced
FROM rm.send_fact_{v} JOIN unnest(%(tenants)s::text[], %(batches)s::text[]) AS b (tenant_id, batch_id)
  USING (tenant_id, batch_id)
WHERE NOT EXISTS (SELECT FROM rm.send_batch_{v} AS p
                  WHERE p.tenant_id = b.tenant_id AND p.batch_id = b.batch_id)

-- name: keep_facts
INSERT INTO rm.send_fact_{v}
SELECT tenant_id, batch_id, event_id, seq, kind, n, ranges::int4multirange, counted::int4multirange,
  at, ip, source, reason, phase, code, enhanced, release_id, topic, part, off
FROM unnest(%(tenants)s::text[], %(batches)s::text[], %(event_ids)s::text[], %(seqs)s::int[],
  %(kinds)s::text[], %(ns)s::int[], %(ranges)s::text[], %(counteds)s::text[], %(ats)s::timestamptz[],
  %(ips)s::text[], %(sources)s::text[], %(reasons)s::text[], %(phases)s::text[], %(codes)s::int[],
  %(enhanceds)s::text[], %(release_ids)s::text[], %(topics)s::text[], %(parts)s::int[],
  %(offs)s::bigint[])
  AS f (tenant_id, batch_id, event_id, seq, kind, n, ranges, counted, at, ip, source, reason, phase,
        code, enhanced, release_id, topic, part, off)
ON CONFLICT DO NOTHING

-- name: plan
-- Batches with their ledger rows and counters. Ids come as one text per batch, parted by blanks:
-- taking it apart here costs a tenth of what arrays of 500 cost the client.
WITH told AS (
  SELECT * FROM unnest(%(tenants)s::text[], %(batches)s::text[], %(campaigns)s::text[], %(steps)s::int[],
    %(contents)s::text[], %(providers)s::text[], %(priorities)s::text[], %(classes)s::text[],
    %(sizes)s::int[], %(ats)s::timestamptz[], %(dues)s::timestamptz[], %(expires)s::timestamptz[],
    %(event_ids)s::text[], %(topics)s::text[], %(parts)s::int[], %(offs)s::bigint[],
    %(send_ids)s::text[], %(contact_ids)s::text[])
  AS b (tenant_id, batch_id, campaign_id, step, content_id, provider, priority, message_class, size,
        requested_at, due_at, expires_at, event_id, topic, part, off, send_ids, contact_ids)
), fresh AS (
  INSERT INTO rm.send_batch_{v}
  SELECT tenant_id, batch_id, campaign_id, step, content_id, provider, priority, message_class, size,
    requested_at, due_at, expires_at, event_id, topic, part, off FROM told
  ON CONFLICT DO NOTHING
  RETURNING tenant_id, batch_id, campaign_id, step, provider, requested_at, size
), sends AS (
  INSERT INTO rm.send_ledger_{v} (tenant_id, batch_id, idx, send_id, contact_id, weight, n, at)
  SELECT t.tenant_id, t.batch_id, s.ordinal - 1, s.send_id, s.contact_id, %(waiting)s, 1, t.requested_at
  FROM told AS t JOIN fresh USING (tenant_id, batch_id),
    unnest(string_to_array(t.send_ids, ' '), string_to_array(t.contact_ids, ' '))
      WITH ORDINALITY AS s (send_id, contact_id, ordinal)
), counters AS (
  INSERT INTO rm.campaign_counters_{v} AS c (tenant_id, campaign_id, provider, state, sends)
  SELECT f.tenant_id, f.campaign_id, f.provider, s.state,
    sum(CASE s.state WHEN 'waiting' THEN f.size ELSE 0 END)
  FROM fresh AS f, unnest(%(states)s::text[]) AS s (state)
  GROUP BY 1, 2, 3, 4
  ON CONFLICT (tenant_id, campaign_id, provider, state) DO UPDATE SET sends = c.sends + excluded.sends
)
SELECT * FROM fresh

-- name: move
-- Rows take a heavier fact (at equal weight that of the earlier attempt). Comes back:
-- how many each stroke changed, and what they were; every counter moves by these, in this transaction.
WITH fact AS (
  SELECT * FROM unnest(%(tenants)s::text[], %(batches)s::text[], %(lows)s::int[], %(highs)s::int[],
    %(weights)s::int[], %(ns)s::int[], %(ats)s::timestamptz[], %(starts)s::timestamptz[],
    %(ips)s::text[], %(reasons)s::text[], %(codes)s::int[], %(enhanceds)s::text[])
  WITH ORDINALITY
  AS f (tenant_id, batch_id, low, high, weight, n, at, started_at, ip, reason, code, enhanced, stroke)
), moved AS (
  UPDATE rm.send_ledger_{v} AS l SET
    weight = greatest(l.weight, f.weight),
    n = CASE WHEN (f.weight, l.n) > (l.weight, f.n) THEN f.n ELSE l.n END,
    at = CASE WHEN (f.weight, l.n) > (l.weight, f.n) THEN f.at ELSE l.at END,
    started_at = least(l.started_at, f.started_at),
    ip = CASE WHEN (f.weight, l.n) > (l.weight, f.n) THEN f.ip ELSE l.ip END,
    reason = CASE WHEN (f.weight, l.n) > (l.weight, f.n) THEN f.reason ELSE l.reason END,
    code = CASE WHEN (f.weight, l.n) > (l.weight, f.n) THEN f.code ELSE l.code END,
    enhanced = CASE WHEN (f.weight, l.n) > (l.weight, f.n) THEN f.enhanced ELSE l.enhanced END
  FROM fact AS f
  WHERE l.tenant_id = f.tenant_id AND l.batch_id = f.batch_id AND l.idx >= f.low AND l.idx < f.high
    AND ((f.weight, l.n) > (l.weight, f.n)
         OR least(l.started_at, f.started_at) IS DISTINCT FROM l.started_at)
  RETURNING f.stroke, l.tenant_id, l.batch_id, old.weight, old.n, old.ip, old.at, old.reason, old.code,
    old.started_at
), step AS (
  SELECT stroke, weight, n, ip, at, reason, code, started_at, count(*) AS sends,
    any_value(tenant_id) AS tenant_id, any_value(batch_id) AS batch_id
  FROM moved GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
)
SELECT b.tenant_id, b.batch_id, b.campaign_id, b.step, b.provider, b.requested_at,
  s.weight, s.ip, s.at, s.reason, s.code, s.started_at, s.n, s.stroke - 1, s.sends
FROM step AS s JOIN rm.send_batch_{v} AS b USING (tenant_id, batch_id)

-- name: about
SELECT tenant_id, batch_id, campaign_id, step, provider, requested_at
FROM rm.send_batch_{v} JOIN unnest(%(tenants)s::text[], %(batches)s::text[]) AS t (tenant_id, batch_id)
  USING (tenant_id, batch_id)

-- name: count_states
INSERT INTO rm.campaign_counters_{v} AS c (tenant_id, campaign_id, provider, state, sends)
SELECT * FROM unnest(%(tenants)s::text[], %(campaigns)s::text[], %(providers)s::text[],
                     %(states)s::text[], %(sends)s::bigint[])
ON CONFLICT (tenant_id, campaign_id, provider, state) DO UPDATE SET sends = c.sends + excluded.sends

-- name: count_parts
INSERT INTO rm.send_part_{v} AS p
  (tenant_id, batch_id, state, ip, campaign_id, provider, requested_at, sends)
SELECT * FROM unnest(%(tenants)s::text[], %(batches)s::text[], %(states)s::text[], %(ips)s::text[],
  %(campaigns)s::text[], %(providers)s::text[], %(ats)s::timestamptz[], %(sends)s::int[])
ON CONFLICT (tenant_id, batch_id, state, ip) DO UPDATE SET sends = p.sends + excluded.sends

-- name: tidy_parts
DELETE FROM rm.send_part_{v} AS p
USING unnest(%(tenants)s::text[], %(batches)s::text[], %(states)s::text[], %(ips)s::text[])
  AS t (tenant_id, batch_id, state, ip)
WHERE p.tenant_id = t.tenant_id AND p.batch_id = t.batch_id AND p.state = t.state AND p.ip = t.ip
  AND p.sends = 0
