-- Sending windows, the order of an audience, and what contacts may be burdened with.

-- By whose clocks a campaign's mail may leave (domain/windows.py, the fields of SendWindow); NULL: at
-- any hour. A batch whose zone is not '' goes by the clocks there.
ALTER TABLE pipeline.campaign ADD COLUMN send_window jsonb;
ALTER TABLE pipeline.batch ADD COLUMN zone text NOT NULL DEFAULT '';
-- No claim and no dot later than this: the window closes; NULL: none does.
ALTER TABLE pipeline.release ADD COLUMN leave_by timestamptz;

-- NULL: frozen by an earlier version, which knew the launch's moments alone.
ALTER TABLE vault.frozen_batch
  ADD COLUMN zone text NOT NULL DEFAULT '',
  ADD COLUMN due_at timestamptz, ADD COLUMN expires_at timestamptz;

-- How many marketing mails a contact may get within a day, and how far apart; NULL: the tenant sets no
-- limit. The settings are what was chosen last, the pipeline's columns its fold, which claims look at.
ALTER TABLE vault.tenant_settings ADD COLUMN fatigue_per_day int, ADD COLUMN fatigue_gap_h int;
ALTER TABLE pipeline.tenant ADD COLUMN fatigue_per_day int, ADD COLUMN fatigue_gap_h int;

-- What a contact was burdened with lately, by all campaigns of the tenant: the batches it got mail of
-- and until when each might leave; the attempts (batch/n) that were put off for that, and when. Arrays
-- of the same length, pruned as they grow. Written by the claim, which holds the row until it commits.
CREATE TABLE vault.contact_burden (
  tenant_id text NOT NULL, contact_id text NOT NULL,
  batches text[] NOT NULL DEFAULT '{}', until timestamptz[] NOT NULL DEFAULT '{}',
  delays text[] NOT NULL DEFAULT '{}', delayed_at timestamptz[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, contact_id)
) WITH (fillfactor = 80);
ALTER TABLE vault.contact_burden ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.contact_burden FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON vault.contact_burden USING (tenant_id = (SELECT app.tenant()))
  WITH CHECK (tenant_id = (SELECT app.tenant()));
GRANT SELECT, INSERT, UPDATE ON vault.contact_burden TO pm_dispatcher;
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.contact_burden TO pm_api, pm_worker;
