"""Who may do what: the roles of people in a tenant, of staff, and the scopes of API keys."""

from __future__ import annotations

from collections.abc import Mapping

#: What there is to look at (read) and to change (write).
RESOURCES = (
    *("campaigns", "templates", "leads", "suppressions", "domains", "ips", "mailboxes"),
    *("sends", "analytics", "workspaces", "users", "keys", "audit", "settings", "exports"),
)
READ = frozenset(f"{resource}:read" for resource in RESOURCES)
WRITE = frozenset(f"{resource}:write" for resource in RESOURCES)
#: Of the tenant as a whole: its deletion, its data in one file; and contacts to be erased.
SPECIAL = frozenset({"tenant:delete", "tenant:export", "contacts:erase"})
#: Of owners alone.
OWNERS = frozenset({"tenant:delete", "tenant:export"})
PERMISSIONS = READ | WRITE | SPECIAL
#: Of the platform: no tenant's role has them.
PLATFORM_PERMISSIONS = frozenset({"tenants:read", "tenants:write", "staff:read", "staff:write"})

_PEOPLE = frozenset({"users:write", "keys:write", "workspaces:write", "settings:write"})
_GROUND = frozenset({"domains:write", "ips:write", "mailboxes:write", "exports:write"})
_PRIVATE = frozenset({"users:read", "keys:read", "audit:read", "settings:read"})
#: Answers to these hold addresses, names or texts of people.
_PERSONAL = frozenset({"leads:read", "sends:read", "exports:read", "users:read"})

#: Role of a person in a tenant → what it may do (reference/product.md §2.8).
ROLES: Mapping[str, frozenset[str]] = {
    "owner": PERMISSIONS,
    "admin": PERMISSIONS - OWNERS,
    "manager": (READ | WRITE | {"contacts:erase"}) - _PEOPLE - {"keys:read"},
    "member": (READ | WRITE) - _PEOPLE - _GROUND - {"keys:read", "audit:read"},
    "viewer": READ - _PRIVATE,
}

#: Role of staff → what it may do in any tenant. Each deed of theirs is recorded with a reason.
STAFF_ROLES: Mapping[str, frozenset[str]] = {
    "super_admin": PERMISSIONS | PLATFORM_PERMISSIONS,
    "admin": (PERMISSIONS | {"tenants:read", "tenants:write"}) - OWNERS,
    "deliverability": READ | {"ips:write", "domains:write", "suppressions:write", "tenants:read"},
    "support": (READ | {"tenants:read"}) - _PERSONAL,
    "finance": frozenset({"analytics:read", "settings:read", "tenants:read"}),
}


def permissions_of(role: str) -> frozenset[str]:
    """What a role in a tenant may do; nothing for a role that does not exist."""
    return ROLES.get(role, frozenset())


def may_give(permissions: frozenset[str], role: str) -> bool:
    """Whether who has these permissions may give a role, or take it: never one above their own."""
    return role in ROLES and ROLES[role] <= permissions
