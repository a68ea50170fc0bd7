-- Questions that are asked again and again about sending IPs and domains (streams/watching.py): is it
-- on this list, has its address a name. Ids and codes, nothing personal. What was told last is here,
-- so that it is told once; losing it costs another telling.
CREATE TABLE pipeline.watched (
  about_id text NOT NULL,          -- of the sending IP or domain
  question text NOT NULL,          -- name of the list, or address_name
  tenant_id text NOT NULL,
  due_at timestamptz NOT NULL,     -- also the token of who asks now
  answer text NOT NULL DEFAULT '', -- the last one; empty: all is well
  in_row int NOT NULL DEFAULT 0,   -- answers in a row that all said well, or all said otherwise
  told text,                       -- as told last; NULL: nothing was
  told_at timestamptz,
  untold boolean NOT NULL DEFAULT false,  -- `told` is decided and may not be in the log yet
  asked_at timestamptz,            -- when an answer came last
  problem text NOT NULL DEFAULT '',       -- why none came last time
  PRIMARY KEY (about_id, question)
);
CREATE INDEX watched_due ON pipeline.watched (due_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON pipeline.watched TO pm_worker;
GRANT SELECT ON pipeline.watched TO pm_api;

-- What providers told of a day (streams/feeding.py), and how asking them went.
CREATE TABLE pipeline.feed_report (
  feed text NOT NULL, about_id text NOT NULL, day date NOT NULL, tenant_id text NOT NULL,
  provider text NOT NULL, share_ppm int NOT NULL, messages bigint NOT NULL, traps int NOT NULL,
  verdict text NOT NULL,
  reported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  told boolean NOT NULL DEFAULT false,
  PRIMARY KEY (feed, about_id, day)
);
CREATE INDEX feed_report_untold ON pipeline.feed_report (reported_at) WHERE NOT told;
CREATE TABLE pipeline.feed (
  feed text PRIMARY KEY, due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  read_at timestamptz, problem text NOT NULL DEFAULT ''
);
GRANT SELECT, INSERT, UPDATE, DELETE ON pipeline.feed_report, pipeline.feed TO pm_worker;
GRANT SELECT ON pipeline.feed_report, pipeline.feed TO pm_api;

-- What is asked about, of all tenants: addresses of IPs in use and names of domains that are tended.
-- For the timers alone: names of domains are their tenants', so this passes by their policies.
CREATE POLICY look_up ON es.reservation FOR SELECT TO CURRENT_USER USING (kind = 'sending domain');
CREATE FUNCTION app.watched_subjects() RETURNS TABLE (tenant_id text, about_id text, kind text, subject text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT i.tenant_id, i.ip, 'ip', i.address FROM pipeline.ip AS i
  WHERE NOT i.gone AND i.address <> ''
    AND NOT EXISTS (SELECT FROM pipeline.held_tenant AS h WHERE h.tenant_id = i.tenant_id)
  UNION ALL
  SELECT c.tenant_id, c.domain_id, 'domain', r.value
  FROM vault.domain_care AS c
  JOIN es.reservation AS r ON r.kind = 'sending domain' AND r.scope = ''
    AND r.stream_id = 'domain-' || c.domain_id
  WHERE NOT EXISTS (SELECT FROM pipeline.held_tenant AS h WHERE h.tenant_id = c.tenant_id)
$$;
REVOKE ALL ON FUNCTION app.watched_subjects() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.watched_subjects() TO pm_worker;
