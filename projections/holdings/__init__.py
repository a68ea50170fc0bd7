"""What a tenant has: templates, domains, mailboxes, servers."""
