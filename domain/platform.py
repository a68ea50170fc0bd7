"""The platform as a tenant: under it stand people, who belong to many tenants, and their mail."""

from __future__ import annotations

#: An id as domain/ids.py makes them, the same in every installation.
PLATFORM_TENANT = "ten_penguinmailsplatformaaaaaa"
