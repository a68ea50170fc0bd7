-- Who may let mail go: the holder of send authority, folded from SendAuthorityTaken. Epoch 0: nobody
-- ever took it.
ALTER TABLE pipeline.gate
  ADD COLUMN epoch bigint NOT NULL DEFAULT 0,
  ADD COLUMN holder text NOT NULL DEFAULT '',      -- a stack's id
  ADD COLUMN holder_log text NOT NULL DEFAULT '',  -- the log that it was taken over
  ADD COLUMN taken_at timestamptz;

-- The epoch in which a release was told last; the claim wants the present one.
ALTER TABLE pipeline.release ADD COLUMN epoch bigint NOT NULL DEFAULT 0;

GRANT UPDATE ON pipeline.gate TO pm_projector;
