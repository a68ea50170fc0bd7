-- Finds what is ambiguous among millions of attempts; costs nothing where nothing is.
CREATE INDEX attempt_set_ambiguous ON pipeline.attempt_set (batch_id, n) WHERE NOT isempty(ambiguous);

-- Sends that were tried again by policy after an ambiguous attempt: at most once each. A fold of
-- AmbiguityResolved.
CREATE TABLE pipeline.resent (
  batch_id text NOT NULL, n int NOT NULL,  -- the ambiguous attempt
  ranges int4multirange NOT NULL,
  PRIMARY KEY (batch_id, n, ranges)
);
GRANT SELECT ON pipeline.resent TO pm_api, pm_worker, pm_projector, pm_release, pm_dispatcher;
GRANT INSERT, UPDATE, DELETE ON pipeline.resent TO pm_projector;
