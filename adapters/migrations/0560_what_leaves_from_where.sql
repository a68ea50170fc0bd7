-- What leaves from where: sending IPs in quarantine or on a VPS that does not serve, IP pools, and the
-- pool of a campaign. All of it is a fold of decisions (streams/schedule/egress.py), without RLS as the
-- rest of pipeline.

-- `retired` is what release, claim and launch look at: nothing leaves from the IP, for whatever reason.
ALTER TABLE pipeline.ip RENAME COLUMN retired TO gone;
ALTER TABLE pipeline.ip
  ADD COLUMN quarantined boolean NOT NULL DEFAULT false,
  ADD COLUMN vps_id text NOT NULL DEFAULT '',
  ADD COLUMN vps_serves boolean NOT NULL DEFAULT true,
  ADD COLUMN retired boolean NOT NULL GENERATED ALWAYS AS (gone OR quarantined OR NOT vps_serves) STORED;
CREATE INDEX ip_of_vps ON pipeline.ip (vps_id) WHERE vps_id <> '';

-- VPS in maintenance or given up. An IP may be told to be on one before or after that.
CREATE TABLE pipeline.vps (vps_id text PRIMARY KEY, serves boolean NOT NULL);

CREATE TABLE pipeline.pool_ip (pool_id text NOT NULL, ip text NOT NULL, PRIMARY KEY (pool_id, ip));

ALTER TABLE pipeline.campaign ADD COLUMN pool_id text NOT NULL DEFAULT '';  -- empty: from none

GRANT SELECT ON pipeline.vps, pipeline.pool_ip
  TO pm_api, pm_worker, pm_projector, pm_release, pm_dispatcher;
GRANT INSERT, UPDATE, DELETE ON pipeline.vps, pipeline.pool_ip TO pm_projector;
