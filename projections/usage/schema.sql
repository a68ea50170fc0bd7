-- name: tables
-- What a tenant's plan covers; without a row, or without a number, nothing binds.
CREATE TABLE rm.plan_limit_{v} (
  tenant_id text NOT NULL, pos bigint NOT NULL, sends_per_month bigint, set_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id)
);
CREATE TABLE rm.quota_crossing_{v} (
  tenant_id text NOT NULL, period date NOT NULL, percent int NOT NULL, sends_limit bigint NOT NULL,
  used bigint NOT NULL, crossed_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, period, percent, sends_limit)
);

-- name: views
CREATE VIEW rm.plan_limit WITH (security_invoker = true) AS SELECT * FROM rm.plan_limit_{v};
CREATE VIEW rm.quota_crossing WITH (security_invoker = true) AS SELECT * FROM rm.quota_crossing_{v};
