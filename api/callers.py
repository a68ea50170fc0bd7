"""Who makes a request, for which tenant, and what they may do."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from adapters.identity.sessions import FRESH_S
from domain.access import PERMISSIONS, PLATFORM_PERMISSIONS

OPERATOR = "operator"  # the actor of who runs the stack
FRESH = timedelta(seconds=FRESH_S)


@dataclass(frozen=True)
class Caller:
    """An authenticated caller. `workspace_ids`: the only ones it may see; None: all of them."""

    tenant_id: str
    actor: str  # an API key, a user, a member of staff, or `operator`: an id, never a name
    permissions: frozenset[str]
    workspace_ids: frozenset[str] | None = None
    session_id: str = ""  # of a person who logged in
    proved_at: datetime | None = None  # when that person last gave their password
    unverified: bool = False  # a person whose address is not verified: nothing is sent for them
    staff: bool = False  # a member of staff: gives a reason, and each visit is an event

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    @property
    def ours(self) -> bool:
        """Whether it is of the platform: staff, or who runs the stack."""
        return self.staff or self.permissions >= PLATFORM_PERMISSIONS

    def is_fresh(self, now: datetime) -> bool:
        """Whether it proved lately who it is: a session can be stolen; a key is the proof."""
        if not self.session_id:
            return True
        return self.proved_at is not None and now - self.proved_at < FRESH


class Callers(Protocol):
    """Turns what a request carries into a caller."""

    async def find(self, token: str, tenant_id: str) -> Caller | None:
        """The caller of a bearer token, or None.

        `tenant_id` is the one that the request names, which who belongs to several must do; a
        tenant that the caller does not belong to gives None as well (I11).
        """
        ...


class OperatorToken:
    """The token of the stack's operator: may do everything in the tenant that the request names."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def find(self, token: str, tenant_id: str) -> Caller | None:
        """As Callers.find; an empty token lets nobody in."""
        if not self._token or not hmac.compare_digest(token.encode(), self._token):
            return None
        return Caller(tenant_id, OPERATOR, PERMISSIONS | PLATFORM_PERMISSIONS)


class Several:
    """Asks one kind of callers after the other."""

    def __init__(self, *kinds: Callers) -> None:
        self._kinds = kinds

    async def find(self, token: str, tenant_id: str) -> Caller | None:
        """The first that knows the token decides."""
        for kind in self._kinds:
            if found := await kind.find(token, tenant_id):
                return found
        return None
