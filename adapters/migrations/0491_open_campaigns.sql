-- Planner and finisher look for what is open many times a second: through these, not through every
-- campaign that ever was.
CREATE INDEX plan_open ON pipeline.plan (campaign_id) WHERE NOT done;
CREATE INDEX campaign_open ON pipeline.campaign (campaign_id) WHERE NOT settled AND total IS NOT NULL;
