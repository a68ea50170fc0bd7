"""Staff as callers: by a token of their own, in any tenant, with a reason that is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from functools import partial

from api import key_tokens
from api.callers import Caller
from api.desk import Desks
from api.keys import SQL
from domain import staff_visit
from domain.access import STAFF_ROLES
from domain.platform import PLATFORM
from projections.reads import Reads

#: So many visits are remembered as told; forgetting one costs a decision that changes nothing.
REMEMBERED_MAX = 10_000


class StaffTokens:
    """`api.callers.Callers` of staff. Who names no tenant stands in the platform itself."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def find(self, token: str, tenant_id: str) -> Caller | None:
        """As Callers.find."""
        shown = key_tokens.read(token)
        if shown is None or shown.kind != key_tokens.STAFF:
            return None
        async with self._reads.of_nobody() as bound:
            found = await bound.rows(SQL["staff"], handle=shown.handle)
        if not found or not shown.fits(found[0]["hash"]):
            return None
        if tenant_id and not await self._exists(tenant_id):
            return None
        permissions = STAFF_ROLES.get(found[0]["role"], frozenset())
        return Caller(tenant_id or PLATFORM, found[0]["staff_id"], permissions, staff=True)

    async def _exists(self, tenant_id: str) -> bool:
        """Whether there is such a tenant: a visit to none would be recorded for ever."""
        async with self._reads.of(tenant_id) as bound:
            return tenant_id == PLATFORM or bool(await bound.rows(SQL["tenant"]))


class Visits:
    """Records who of staff came into which tenant and why: once per reason and UTC day."""

    def __init__(self, desks: Desks, clock: Callable[[], datetime]) -> None:
        self._desks = desks
        self._clock = clock
        self._told: set[tuple[str, str, str, date]] = set()

    async def enter(self, caller: Caller, reason: str) -> None:
        """Record the visit before anything is shown. Raises Invalid for a reason unknown."""
        day = self._clock().date()
        visit = (caller.tenant_id, caller.actor, reason, day)
        if caller.tenant_id == PLATFORM or visit in self._told:
            return
        enter = partial(
            staff_visit.enter,
            tenant_id=caller.tenant_id,
            staff_id=caller.actor,
            reason=reason,
            day=day,
        )
        stream = staff_visit.stream(caller.tenant_id, caller.actor, day)
        desk = self._desks.at(caller.tenant_id, caller.actor)
        await asyncio.to_thread(desk.decide, staff_visit, stream, enter)
        if len(self._told) >= REMEMBERED_MAX:
            self._told.clear()
        self._told.add(visit)
