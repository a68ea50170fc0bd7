-- Campaigns that launch by themselves: a fold of CampaignScheduled and of what ends the waiting.
CREATE TABLE pipeline.scheduled_launch (
  campaign_id text PRIMARY KEY, tenant_id text NOT NULL, at timestamptz NOT NULL
);
CREATE INDEX scheduled_launch_at ON pipeline.scheduled_launch (at);
GRANT SELECT ON pipeline.scheduled_launch TO pm_api, pm_worker, pm_projector;
GRANT INSERT, UPDATE, DELETE ON pipeline.scheduled_launch TO pm_projector;

-- An estimate is by mailbox provider, and that of a domain is no secret of anybody's.
GRANT SELECT ON vault.domain_route TO pm_api;
