-- name: TemplateCreated
INSERT INTO rm.template_{v} (tenant_id, template_id, pos, created_at)
VALUES (%(tenant_id)s, %(template_id)s, %(pos)s, %(at)s)
ON CONFLICT DO NOTHING

-- name: TemplatePublished
WITH version AS (
  INSERT INTO rm.template_version_{v}
    (tenant_id, template_id, template_version, content_id, variables, published_at)
  VALUES (%(tenant_id)s, %(template_id)s, %(template_version)s, %(content_id)s, %(variables)s, %(at)s)
  ON CONFLICT DO NOTHING
)
UPDATE rm.template_{v} SET pos = %(pos)s, template_version = %(template_version)s,
  content_id = %(content_id)s, published_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND template_id = %(template_id)s AND %(pos)s > pos

-- name: TemplateArchived
UPDATE rm.template_{v} SET pos = %(pos)s, archived_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND template_id = %(template_id)s AND %(pos)s > pos

-- name: TemplateRestored
UPDATE rm.template_{v} SET pos = %(pos)s, archived_at = NULL
WHERE tenant_id = %(tenant_id)s AND template_id = %(template_id)s AND %(pos)s > pos

-- name: DomainAdded
INSERT INTO rm.sending_domain_{v} AS d
  (tenant_id, domain_id, pos, domain, state, added_at, changed_at)
VALUES (%(tenant_id)s, %(domain_id)s, %(pos)s, %(domain)s, 'pending', %(at)s, %(at)s)
ON CONFLICT (tenant_id, domain_id) DO UPDATE SET pos = excluded.pos, state = 'pending',
  missing = '{}', added_at = excluded.added_at, verified_at = NULL, changed_at = excluded.changed_at,
  removed_at = NULL
WHERE excluded.pos > d.pos

-- name: DomainVerified
UPDATE rm.sending_domain_{v} SET pos = %(pos)s, state = 'verified', missing = '{}',
  verified_at = %(at)s, changed_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s AND %(pos)s > pos

-- name: DomainVerificationFailed
UPDATE rm.sending_domain_{v} SET pos = %(pos)s, state = 'failed', missing = %(missing)s,
  verified_at = NULL, changed_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s AND %(pos)s > pos

-- name: DomainDegraded
UPDATE rm.sending_domain_{v} SET pos = %(pos)s, state = 'degraded', missing = %(missing)s,
  changed_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s AND %(pos)s > pos

-- name: DomainRemoved
WITH ended AS (
  UPDATE rm.domain_ip_{v} SET pos = %(pos)s, ended_at = %(at)s
  WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s AND ended_at IS NULL
    AND %(pos)s > pos
)
UPDATE rm.sending_domain_{v} SET pos = %(pos)s, removed_at = %(at)s, changed_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s AND %(pos)s > pos

-- name: DkimKeyCreated
-- The first of an algorithm signs at once.
INSERT INTO rm.domain_key_{v}
  (tenant_id, domain_id, selector, pos, algorithm, public_key, state, created_at, activated_at)
SELECT %(tenant_id)s, %(domain_id)s, %(selector)s, %(pos)s, %(algorithm)s, %(public_key)s,
  CASE WHEN signs.already THEN 'pending' ELSE 'active' END, %(at)s,
  CASE WHEN NOT signs.already THEN %(at)s::timestamptz END
FROM (SELECT EXISTS (
  SELECT FROM rm.domain_key_{v} k WHERE k.tenant_id = %(tenant_id)s AND k.domain_id = %(domain_id)s
    AND k.algorithm = %(algorithm)s AND k.state = 'active') AS already) AS signs
ON CONFLICT DO NOTHING

-- name: DkimKeyActivated
UPDATE rm.domain_key_{v} SET pos = %(pos)s,
  state = CASE WHEN selector = %(selector)s THEN 'active' ELSE 'retiring' END,
  activated_at = CASE WHEN selector = %(selector)s THEN %(at)s ELSE activated_at END,
  retires_at = CASE WHEN selector <> %(selector)s
    THEN %(at)s::timestamptz + make_interval(secs => %(grace_s)s) END
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s
  AND selector IN (%(selector)s, %(before)s) AND %(pos)s > pos

-- name: DkimKeyRetired
UPDATE rm.domain_key_{v} SET pos = %(pos)s, state = 'retired', retired_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s AND selector = %(selector)s
  AND %(pos)s > pos

-- name: DomainIpAssigned
INSERT INTO rm.domain_ip_{v} AS a (tenant_id, domain_id, ip, pos, assigned_at)
VALUES (%(tenant_id)s, %(domain_id)s, %(ip)s, %(pos)s, %(at)s)
ON CONFLICT (tenant_id, domain_id, ip) DO UPDATE SET pos = excluded.pos,
  assigned_at = excluded.assigned_at, ended_at = NULL
WHERE excluded.pos > a.pos

-- name: DomainIpUnassigned
UPDATE rm.domain_ip_{v} SET pos = %(pos)s, ended_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s AND ip = %(ip)s AND %(pos)s > pos

-- name: MailboxCreated
INSERT INTO rm.mailbox_{v} AS m (tenant_id, mailbox_id, pos, domain_id, daily_limit, warmup_wanted,
  state, created_at, changed_at)
VALUES (%(tenant_id)s, %(mailbox_id)s, %(pos)s, %(domain_id)s, %(daily_limit)s, %(warmup_wanted)s,
  'active', %(at)s, %(at)s)
ON CONFLICT (tenant_id, mailbox_id) DO UPDATE SET pos = excluded.pos,
  domain_id = excluded.domain_id, daily_limit = excluded.daily_limit,
  warmup_wanted = excluded.warmup_wanted, state = 'active', reason = '', protocols = '{}',
  created_at = excluded.created_at, changed_at = excluded.changed_at
WHERE excluded.pos > m.pos

-- name: MailboxLimitSet
UPDATE rm.mailbox_{v} SET pos = %(pos)s, daily_limit = %(daily_limit)s, changed_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND mailbox_id = %(mailbox_id)s AND %(pos)s > pos

-- name: MailboxWarmupChosen
UPDATE rm.mailbox_{v} SET pos = %(pos)s, warmup_wanted = %(wanted)s, changed_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND mailbox_id = %(mailbox_id)s AND %(pos)s > pos

-- name: MailboxCredentialsSet
UPDATE rm.mailbox_{v} SET pos = %(pos)s, changed_at = %(at)s, protocols =
  ARRAY(SELECT DISTINCT unnest(protocols || %(protocols)s::text[]) ORDER BY 1)
WHERE tenant_id = %(tenant_id)s AND mailbox_id = %(mailbox_id)s AND %(pos)s > pos

-- name: MailboxPaused
UPDATE rm.mailbox_{v} SET pos = %(pos)s, state = 'paused', reason = %(reason)s, changed_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND mailbox_id = %(mailbox_id)s AND %(pos)s > pos

-- name: MailboxResumed
UPDATE rm.mailbox_{v} SET pos = %(pos)s, state = 'active', reason = '', changed_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND mailbox_id = %(mailbox_id)s AND %(pos)s > pos

-- name: MailboxRemoved
UPDATE rm.mailbox_{v} SET pos = %(pos)s, state = 'removed', reason = %(reason)s, changed_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND mailbox_id = %(mailbox_id)s AND %(pos)s > pos

-- name: VpsRegistered
INSERT INTO rm.vps_{v} (tenant_id, vps_id, pos, region, state, registered_at, changed_at)
VALUES (%(tenant_id)s, %(vps_id)s, %(pos)s, %(region)s, 'registered', %(at)s, %(at)s)
ON CONFLICT DO NOTHING

-- name: VpsActivated
UPDATE rm.vps_{v} SET pos = %(pos)s, state = 'active', reason = '', changed_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND vps_id = %(vps_id)s AND %(pos)s > pos

-- name: VpsMaintenanceBegun
UPDATE rm.vps_{v} SET pos = %(pos)s, state = 'maintenance', reason = %(reason)s, changed_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND vps_id = %(vps_id)s AND %(pos)s > pos

-- name: VpsDecommissioned
UPDATE rm.vps_{v} SET pos = %(pos)s, state = 'decommissioned', reason = %(reason)s, changed_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND vps_id = %(vps_id)s AND %(pos)s > pos

-- name: SendingIpPlaced
INSERT INTO rm.vps_ip_{v} AS p (tenant_id, ip, pos, vps_id)
VALUES (%(tenant_id)s, %(ip)s, %(pos)s, %(vps_id)s)
ON CONFLICT (tenant_id, ip) DO UPDATE SET pos = excluded.pos, vps_id = excluded.vps_id
WHERE excluded.pos > p.pos

-- name: PoolCreated
INSERT INTO rm.ip_pool_{v} (tenant_id, pool_id, pos, created_at)
VALUES (%(tenant_id)s, %(pool_id)s, %(pos)s, %(at)s) ON CONFLICT DO NOTHING

-- name: PoolRetired
UPDATE rm.ip_pool_{v} SET pos = %(pos)s, retired_at = %(at)s, reason = %(reason)s
WHERE tenant_id = %(tenant_id)s AND pool_id = %(pool_id)s AND %(pos)s > pos

-- name: PoolIpAdded
INSERT INTO rm.ip_pool_member_{v} AS m (tenant_id, pool_id, ip, pos, added_at)
VALUES (%(tenant_id)s, %(pool_id)s, %(ip)s, %(pos)s, %(at)s)
ON CONFLICT (tenant_id, pool_id, ip) DO UPDATE SET pos = excluded.pos, added_at = excluded.added_at,
  ended_at = NULL
WHERE excluded.pos > m.pos

-- name: PoolIpRemoved
UPDATE rm.ip_pool_member_{v} SET pos = %(pos)s, ended_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND pool_id = %(pool_id)s AND ip = %(ip)s AND %(pos)s > pos
