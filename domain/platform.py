"""What is no tenant's but the platform's own, under two names that look like tenants' ids."""

from __future__ import annotations

#: Staff and suppressions of everybody: decided by the platform, seen from it alone. No tenant is
#: called so.
PLATFORM = "platform"
#: People, who belong to many tenants, and the mail to them: a tenant as any other, which sends.
#: An id as domain/ids.py makes them, the same in every installation.
PLATFORM_TENANT = "ten_penguinmailsplatformaaaaaa"
