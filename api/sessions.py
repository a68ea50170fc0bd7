"""People as callers: by the session that they opened, in a tenant that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.identity import sessions, tokens
from adapters.identity.sessions import Living
from api.callers import Caller
from domain.access import permissions_of
from projections.reads import Reads


@dataclass(frozen=True)
class Sessions:
    """`api.callers.Callers` of people who logged in."""

    reads: Reads
    clock: Callable[[], datetime]

    async def find(self, token: str, tenant_id: str) -> Caller | None:
        """As Callers.find. A person of one tenant need not name it."""
        if not token.startswith(tokens.SESSION):
            return None
        async with self.reads.of_nobody() as bound:
            living = await sessions.living(bound.conn, token, self.clock())
            if living is None:
                return None
            places = await sessions.memberships(bound.conn, living.user_id)
        return _caller(living, places, tenant_id)

    async def whose(self, token: str) -> Living | None:
        """The session of a token, whatever tenants its person belongs to."""
        if not token.startswith(tokens.SESSION):
            return None
        async with self.reads.of_nobody() as bound:
            return await sessions.living(bound.conn, token, self.clock())


def _caller(living: Living, places: list[dict[str, Any]], tenant_id: str) -> Caller | None:
    """The person in the tenant that is named, or in their only one; '' where they must name one.

    A tenant that they do not belong to gives None, as one that does not exist (I11).
    """
    if not tenant_id and len(places) != 1:
        return Caller("", living.user_id, frozenset(), session_id=living.session_id)
    wanted = tenant_id or places[0]["tenant_id"]
    place = next((place for place in places if place["tenant_id"] == wanted), None)
    if place is None:
        return None
    only = place["workspace_ids"]
    return Caller(
        wanted,
        living.user_id,
        permissions_of(place["role"]),
        workspace_ids=None if only is None else frozenset(only),
        session_id=living.session_id,
        proved_at=living.proved_at,
        unverified=not living.verified,
    )
