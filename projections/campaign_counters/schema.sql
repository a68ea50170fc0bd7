-- name: tables
-- What was decided about a campaign.
CREATE TABLE rm.campaign_{v} (
  tenant_id text NOT NULL, campaign_id text NOT NULL,
  state text NOT NULL DEFAULT '', state_pos bigint NOT NULL DEFAULT -1, reason text NOT NULL DEFAULT '',
  template_id text, content_id text, list_ids text[], priority text, message_class text,
  drafted_at timestamptz, launched_at timestamptz, expires_at timestamptz, ended_at timestamptz,
  PRIMARY KEY (tenant_id, campaign_id)
);
-- How much its audience is, once it is planned to the end.
CREATE TABLE rm.campaign_step_{v} (
  tenant_id text NOT NULL, campaign_id text NOT NULL, step int NOT NULL,
  total bigint NOT NULL, batches int NOT NULL,
  PRIMARY KEY (tenant_id, campaign_id, step)
);
-- How many sends stand in each state. Moves only with the ledger's rows, in their transaction; a row
-- for each state is there from the first batch on.
CREATE TABLE rm.campaign_counters_{v} (
  tenant_id text NOT NULL, campaign_id text NOT NULL, provider text NOT NULL, state text NOT NULL,
  sends bigint NOT NULL,
  PRIMARY KEY (tenant_id, campaign_id, provider, state)
) WITH (fillfactor = 50);

-- name: views
CREATE VIEW rm.campaign WITH (security_invoker = true) AS
SELECT c.*, c.xmin AS moved_in, (SELECT sum(s.total) FROM rm.campaign_step_{v} AS s
             WHERE s.tenant_id = c.tenant_id AND s.campaign_id = c.campaign_id)::bigint AS planned_total
FROM rm.campaign_{v} AS c;
CREATE VIEW rm.campaign_step WITH (security_invoker = true) AS SELECT * FROM rm.campaign_step_{v};
CREATE VIEW rm.campaign_counters WITH (security_invoker = true) AS
SELECT c.*, c.xmin AS moved_in FROM rm.campaign_counters_{v} AS c;
