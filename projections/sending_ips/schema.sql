-- name: tables
CREATE TABLE rm.sending_ip_{v} (
  tenant_id text NOT NULL, ip text NOT NULL, pos bigint NOT NULL,
  address text NOT NULL, route text NOT NULL, relay_host text NOT NULL, relay_port int NOT NULL,
  added_at timestamptz NOT NULL, retired_at timestamptz,
  quarantined_at timestamptz, quarantine_reason text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, ip)
);
-- What binds; provider '*': each provider without a row of its own.
CREATE TABLE rm.sending_ip_cap_{v} (
  tenant_id text NOT NULL, ip text NOT NULL, provider text NOT NULL,
  cap_pos bigint NOT NULL DEFAULT -1, cap_per_day int, cap_reason text NOT NULL DEFAULT '',
  rate_pos bigint NOT NULL DEFAULT -1, rate_per_s float8, burst int, rate_reason text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, ip, provider)
);
-- How it warms up, by whose choice; provider '*': each provider without a row of its own.
CREATE TABLE rm.sending_ip_warmup_{v} (
  tenant_id text NOT NULL, ip text NOT NULL, provider text NOT NULL, pos bigint NOT NULL,
  plan text NOT NULL, curve int[] NOT NULL, target int NOT NULL, reason text NOT NULL, chosen_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, ip, provider)
);
-- What left: one row per started slice, so that a fact told twice counts once.
CREATE TABLE rm.sending_ip_release_{v} (
  tenant_id text NOT NULL, release_id text NOT NULL, ip text NOT NULL, provider text NOT NULL,
  day date NOT NULL, sends int NOT NULL,
  PRIMARY KEY (tenant_id, release_id)
);
CREATE TABLE rm.sending_ip_use_{v} (
  tenant_id text NOT NULL, ip text NOT NULL, day date NOT NULL, provider text NOT NULL,
  started bigint NOT NULL,
  PRIMARY KEY (tenant_id, ip, day, provider)
) WITH (fillfactor = 50);

-- name: views
CREATE VIEW rm.sending_ip WITH (security_invoker = true) AS SELECT * FROM rm.sending_ip_{v};
CREATE VIEW rm.sending_ip_cap WITH (security_invoker = true) AS SELECT * FROM rm.sending_ip_cap_{v};
CREATE VIEW rm.sending_ip_warmup WITH (security_invoker = true) AS SELECT * FROM rm.sending_ip_warmup_{v};
CREATE VIEW rm.sending_ip_release WITH (security_invoker = true) AS SELECT * FROM rm.sending_ip_release_{v};
CREATE VIEW rm.sending_ip_use WITH (security_invoker = true) AS SELECT * FROM rm.sending_ip_use_{v};
