-- name: tables
CREATE TABLE rm.template_{v} (
  tenant_id text NOT NULL, template_id text NOT NULL, pos bigint NOT NULL,
  created_at timestamptz NOT NULL, archived_at timestamptz,
  template_version int NOT NULL DEFAULT 0, content_id text, published_at timestamptz,
  PRIMARY KEY (tenant_id, template_id)
);
CREATE TABLE rm.template_version_{v} (
  tenant_id text NOT NULL, template_id text NOT NULL, template_version int NOT NULL,
  content_id text NOT NULL, variables text[] NOT NULL, published_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, template_id, template_version)
);
-- state: pending (never looked at), verified, degraded (it was, and records have gone since), failed
CREATE TABLE rm.sending_domain_{v} (
  tenant_id text NOT NULL, domain_id text NOT NULL, pos bigint NOT NULL, domain text NOT NULL,
  state text NOT NULL, missing text[] NOT NULL DEFAULT '{}', added_at timestamptz NOT NULL,
  verified_at timestamptz, changed_at timestamptz NOT NULL, removed_at timestamptz,
  PRIMARY KEY (tenant_id, domain_id)
);
CREATE INDEX ON rm.sending_domain_{v} (tenant_id, domain);
CREATE TABLE rm.domain_key_{v} (
  tenant_id text NOT NULL, domain_id text NOT NULL, selector text NOT NULL, pos bigint NOT NULL,
  algorithm text NOT NULL, public_key text NOT NULL,
  state text NOT NULL,  -- pending, active, retiring, retired
  created_at timestamptz NOT NULL, activated_at timestamptz, retires_at timestamptz, retired_at timestamptz,
  PRIMARY KEY (tenant_id, domain_id, selector)
);
CREATE TABLE rm.domain_ip_{v} (
  tenant_id text NOT NULL, domain_id text NOT NULL, ip text NOT NULL, pos bigint NOT NULL,
  assigned_at timestamptz NOT NULL, ended_at timestamptz,
  PRIMARY KEY (tenant_id, domain_id, ip)
);
CREATE TABLE rm.mailbox_{v} (
  tenant_id text NOT NULL, mailbox_id text NOT NULL, pos bigint NOT NULL, domain_id text NOT NULL,
  daily_limit int NOT NULL, warmup_wanted boolean NOT NULL,
  state text NOT NULL, reason text NOT NULL DEFAULT '',  -- active, paused, removed
  protocols text[] NOT NULL DEFAULT '{}', created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, mailbox_id)
);
CREATE INDEX ON rm.mailbox_{v} (tenant_id, created_at DESC, mailbox_id DESC);
-- state: registered, active, maintenance, decommissioned
CREATE TABLE rm.vps_{v} (
  tenant_id text NOT NULL, vps_id text NOT NULL, pos bigint NOT NULL, region text NOT NULL,
  state text NOT NULL, reason text NOT NULL DEFAULT '',
  registered_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, vps_id)
);
CREATE TABLE rm.vps_ip_{v} (
  tenant_id text NOT NULL, ip text NOT NULL, pos bigint NOT NULL, vps_id text NOT NULL,
  PRIMARY KEY (tenant_id, ip)
);
CREATE INDEX ON rm.vps_ip_{v} (tenant_id, vps_id, ip);
CREATE TABLE rm.ip_pool_{v} (
  tenant_id text NOT NULL, pool_id text NOT NULL, pos bigint NOT NULL,
  created_at timestamptz NOT NULL, retired_at timestamptz, reason text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, pool_id)
);
CREATE TABLE rm.ip_pool_member_{v} (
  tenant_id text NOT NULL, pool_id text NOT NULL, ip text NOT NULL, pos bigint NOT NULL,
  added_at timestamptz NOT NULL, ended_at timestamptz,
  PRIMARY KEY (tenant_id, pool_id, ip)
);

-- name: views
CREATE VIEW rm.template WITH (security_invoker = true) AS SELECT * FROM rm.template_{v};
CREATE VIEW rm.template_version WITH (security_invoker = true) AS SELECT * FROM rm.template_version_{v};
CREATE VIEW rm.sending_domain WITH (security_invoker = true) AS SELECT * FROM rm.sending_domain_{v};
CREATE VIEW rm.domain_key WITH (security_invoker = true) AS SELECT * FROM rm.domain_key_{v};
CREATE VIEW rm.domain_ip WITH (security_invoker = true) AS SELECT * FROM rm.domain_ip_{v};
CREATE VIEW rm.mailbox WITH (security_invoker = true) AS SELECT * FROM rm.mailbox_{v};
CREATE VIEW rm.vps WITH (security_invoker = true) AS SELECT * FROM rm.vps_{v};
CREATE VIEW rm.vps_ip WITH (security_invoker = true) AS SELECT * FROM rm.vps_ip_{v};
CREATE VIEW rm.ip_pool WITH (security_invoker = true) AS SELECT * FROM rm.ip_pool_{v};
CREATE VIEW rm.ip_pool_member WITH (security_invoker = true) AS SELECT * FROM rm.ip_pool_member_{v};
