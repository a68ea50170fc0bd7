-- ReputationScored: the score that was told last of a cell (scope_id: an IP), an IP, a domain or a tenant;
-- NULL: too little evidence. The releaser shares mail out by it (domain/ip_choice.py), the doctor names
-- bad ones. A fold of the log as all of 0550_volume_control.sql; what was told before this migration is
-- told anew as soon as it moves.
CREATE TABLE pipeline.volume_score (
  scope text NOT NULL, scope_id text NOT NULL, provider text NOT NULL,
  score int, scored_at timestamptz NOT NULL,
  PRIMARY KEY (scope, scope_id, provider)
);

GRANT SELECT ON pipeline.volume_score TO pm_api, pm_worker, pm_projector, pm_release, pm_dispatcher;
GRANT INSERT, UPDATE, DELETE ON pipeline.volume_score TO pm_projector;
