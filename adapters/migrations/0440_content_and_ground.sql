-- What a template says while it is worked on; published versions are vault.content, by hash.
CREATE TABLE vault.template_draft (
  tenant_id text NOT NULL, template_id text NOT NULL,
  format text NOT NULL,  -- html or mjml: what `body` is
  subject text NOT NULL, preheader text NOT NULL, body text NOT NULL,
  plain text,            -- NULL: derived from the body
  folder text NOT NULL DEFAULT '', tags text[] NOT NULL DEFAULT '{}',
  revision int NOT NULL, changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, template_id)
);
-- What the last look at a domain's DNS found, record by record.
CREATE TABLE vault.domain_look (
  tenant_id text NOT NULL, domain_id text NOT NULL, kind text NOT NULL, name text NOT NULL,
  wanted text NOT NULL, found text[] NOT NULL, state text NOT NULL,  -- verified, differs, missing
  looked_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, domain_id, kind, name)
);
-- Addresses of mailboxes, and what opens them: sealed, read by nobody who answers a request.
CREATE TABLE vault.mailbox (
  tenant_id text NOT NULL, mailbox_id text NOT NULL, address text NOT NULL,
  PRIMARY KEY (tenant_id, mailbox_id)
);
CREATE TABLE vault.mailbox_credential (
  tenant_id text NOT NULL, mailbox_id text NOT NULL, protocol text NOT NULL,  -- smtp, imap
  host text NOT NULL, port int NOT NULL, username text NOT NULL, secret bytea NOT NULL,
  set_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, mailbox_id, protocol)
);

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['template_draft', 'domain_look', 'mailbox', 'mailbox_credential'] LOOP
    EXECUTE format('ALTER TABLE vault.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE vault.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own_rows ON vault.%I USING (tenant_id = (SELECT app.tenant()))'
                   ' WITH CHECK (tenant_id = (SELECT app.tenant()))', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON vault.%I TO pm_api, pm_worker', name);
  END LOOP;
END $$;
