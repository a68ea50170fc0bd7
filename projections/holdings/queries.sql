-- name: domains
SELECT d.domain_id, d.domain, d.state, d.missing, d.added_at, d.verified_at, d.changed_at,
  coalesce(w.workspace_id, '') AS workspace_id
FROM rm.sending_domain d LEFT JOIN vault.workspace_of w ON w.tenant_id = d.tenant_id AND w.id = d.domain_id
WHERE d.tenant_id = %(tenant_id)s AND d.removed_at IS NULL AND d.domain > %(after)s
  AND (%(state)s = '' OR d.state = %(state)s)
  AND (%(workspaces)s::text[] IS NULL OR coalesce(w.workspace_id, '') = ANY(%(workspaces)s))
ORDER BY d.domain LIMIT %(limit)s

-- name: domain
SELECT d.domain_id, d.domain, d.state, d.missing, d.added_at, d.verified_at, d.changed_at,
  coalesce(w.workspace_id, '') AS workspace_id
FROM rm.sending_domain d LEFT JOIN vault.workspace_of w ON w.tenant_id = d.tenant_id AND w.id = d.domain_id
WHERE d.tenant_id = %(tenant_id)s AND d.domain_id = %(id)s AND d.removed_at IS NULL
  AND (%(workspaces)s::text[] IS NULL OR coalesce(w.workspace_id, '') = ANY(%(workspaces)s))

-- name: keys
SELECT selector, algorithm, public_key, state, created_at, activated_at, retires_at, retired_at
FROM rm.domain_key
WHERE tenant_id = %(tenant_id)s AND domain_id = %(id)s ORDER BY selector

-- name: looks
SELECT kind, name, wanted, found, state, looked_at FROM vault.domain_look
WHERE tenant_id = %(tenant_id)s AND domain_id = %(id)s

-- name: domain_ips
SELECT ip, assigned_at FROM rm.domain_ip
WHERE tenant_id = %(tenant_id)s AND domain_id = %(id)s AND ended_at IS NULL ORDER BY ip

-- name: verified
-- Which of these domains are verified, or lack only what mail can leave without.
SELECT domain FROM rm.sending_domain
WHERE tenant_id = %(tenant_id)s AND domain = ANY(%(domains)s) AND removed_at IS NULL
  AND (state = 'verified' OR state = 'degraded' AND NOT EXISTS (
    SELECT FROM unnest(missing) AS m (title)
    WHERE m.title LIKE '%%.\_domainkey.%%' OR m.title LIKE 'MX bounce.%%'))

-- name: senders
-- A sender lies where its domain lies.
SELECT s.sender_id, s.address, s.name FROM vault.sender s
WHERE s.tenant_id = %(tenant_id)s AND s.sender_id > %(after)s
  AND (%(address)s = '' OR lower(s.address) = lower(%(address)s))
  AND (%(workspaces)s::text[] IS NULL OR EXISTS (
    SELECT FROM rm.sending_domain d
    LEFT JOIN vault.workspace_of w ON w.tenant_id = d.tenant_id AND w.id = d.domain_id
    WHERE d.tenant_id = %(tenant_id)s AND d.domain = split_part(s.address, '@', -1)
      AND d.removed_at IS NULL AND coalesce(w.workspace_id, '') = ANY(%(workspaces)s)))
ORDER BY s.sender_id LIMIT %(limit)s

-- name: mailboxes
SELECT m.mailbox_id, coalesce(v.address, '') AS address, m.domain_id, m.daily_limit, m.warmup_wanted,
  m.state, m.reason, m.protocols, m.created_at, m.changed_at, coalesce(w.workspace_id, '') AS workspace_id
FROM rm.mailbox m
  LEFT JOIN vault.mailbox v USING (tenant_id, mailbox_id)
  LEFT JOIN vault.workspace_of w ON w.tenant_id = m.tenant_id AND w.id = m.mailbox_id
WHERE m.tenant_id = %(tenant_id)s AND m.state <> 'removed'
  AND (%(created_at)s::timestamptz IS NULL
       OR (m.created_at, m.mailbox_id) < (%(created_at)s::timestamptz, %(after)s))
  AND (%(state)s = '' OR m.state = %(state)s) AND (%(domain_id)s = '' OR m.domain_id = %(domain_id)s)
  AND (%(workspaces)s::text[] IS NULL OR coalesce(w.workspace_id, '') = ANY(%(workspaces)s))
ORDER BY m.created_at DESC, m.mailbox_id DESC LIMIT %(limit)s

-- name: mailbox
SELECT m.mailbox_id, coalesce(v.address, '') AS address, m.domain_id, m.daily_limit, m.warmup_wanted,
  m.state, m.reason, m.protocols, m.created_at, m.changed_at, coalesce(w.workspace_id, '') AS workspace_id
FROM rm.mailbox m
  LEFT JOIN vault.mailbox v USING (tenant_id, mailbox_id)
  LEFT JOIN vault.workspace_of w ON w.tenant_id = m.tenant_id AND w.id = m.mailbox_id
WHERE m.tenant_id = %(tenant_id)s AND m.mailbox_id = %(id)s AND m.state <> 'removed'
  AND (%(workspaces)s::text[] IS NULL OR coalesce(w.workspace_id, '') = ANY(%(workspaces)s))

-- name: servers
SELECT v.vps_id, coalesce(l.label, '') AS name, v.region, v.state, v.reason, v.registered_at, v.changed_at,
  ARRAY(SELECT p.ip FROM rm.vps_ip p WHERE p.tenant_id = v.tenant_id AND p.vps_id = v.vps_id ORDER BY p.ip)
    AS ips
FROM rm.vps v LEFT JOIN vault.label l ON l.tenant_id = v.tenant_id AND l.id = v.vps_id
WHERE v.tenant_id = %(tenant_id)s AND v.vps_id > %(after)s
  AND (%(id)s = '' OR v.vps_id = %(id)s) AND (%(state)s = '' OR v.state = %(state)s)
ORDER BY v.vps_id LIMIT %(limit)s

-- name: placed
-- The VPS of each sending IP, and the domains that it is meant for.
SELECT ip, max(vps_id) AS vps_id, coalesce(array_agg(domain_id ORDER BY domain_id) FILTER (WHERE domain_id <> ''), '{}')
  AS domain_ids
FROM (
  SELECT ip, vps_id, '' AS domain_id FROM rm.vps_ip WHERE tenant_id = %(tenant_id)s
  UNION ALL
  SELECT ip, '', domain_id FROM rm.domain_ip WHERE tenant_id = %(tenant_id)s AND ended_at IS NULL
) AS found GROUP BY ip

-- name: templates
SELECT t.template_id, coalesce(l.label, '') AS name, coalesce(w.workspace_id, '') AS workspace_id,
  coalesce(d.folder, '') AS folder, coalesce(d.tags, '{}') AS tags, t.template_version, t.content_id,
  t.created_at, t.published_at, t.archived_at, d.changed_at AS draft_changed_at
FROM rm.template t
  LEFT JOIN vault.label l ON l.tenant_id = t.tenant_id AND l.id = t.template_id
  LEFT JOIN vault.workspace_of w ON w.tenant_id = t.tenant_id AND w.id = t.template_id
  LEFT JOIN vault.template_draft d ON d.tenant_id = t.tenant_id AND d.template_id = t.template_id
WHERE t.tenant_id = %(tenant_id)s AND (%(after)s = '' OR t.template_id < %(after)s)
  AND (%(id)s = '' OR t.template_id = %(id)s)
  AND (%(archived)s::boolean IS NULL OR (t.archived_at IS NOT NULL) = %(archived)s)
  AND (%(folder)s = '' OR d.folder = %(folder)s) AND (%(tag)s = '' OR %(tag)s = ANY(d.tags))
  AND (%(workspaces)s::text[] IS NULL OR coalesce(w.workspace_id, '') = ANY(%(workspaces)s))
ORDER BY t.template_id DESC LIMIT %(limit)s

-- name: versions
SELECT template_version, content_id, variables, published_at FROM rm.template_version
WHERE tenant_id = %(tenant_id)s AND template_id = %(id)s AND template_version < %(before)s
ORDER BY template_version DESC LIMIT %(limit)s

-- name: version
SELECT v.template_version, v.content_id, v.variables, v.published_at, c.body
FROM rm.template_version v JOIN vault.content c USING (tenant_id, content_id)
WHERE v.tenant_id = %(tenant_id)s AND v.template_id = %(id)s AND v.template_version = %(version)s
