"""What routes are given: read models, a desk for commands, cursors, and who the caller is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request

from api import idempotency, positions
from api.browsers import Site, origin_of
from api.callers import OPERATOR, Caller, Callers
from api.commands.accounts import Identity
from api.commands.domains import Dns
from api.commands.imports import Imports
from api.commands.tenant_exports import Archives
from api.desk import Desk, Desks
from api.limits import Rates
from api.paging import LIMIT_DEFAULT, LIMIT_MAX, Cursors
from api.positions import PositionHeader, PositionQuery
from api.problems import Problem
from api.staff_callers import Visits
from domain.access import PERMISSIONS, PLATFORM_PERMISSIONS
from projections.reads import Reads


@dataclass(frozen=True)
class Ports:
    """What the composition root hands to the API."""

    reads: Reads
    desks: Desks
    callers: Callers
    cursors: Cursors
    clock: Callable[[], datetime]
    links: dict[str, str]  # name → address, for the page at /
    dns: Dns  # of tenants' sending domains
    identity: Identity
    imports: Imports
    archives: Archives
    life: idempotency.Life
    rates: Rates = field(default_factory=Rates)

    @cached_property
    def visits(self) -> Visits:
        """Where staff tell why they come into a tenant."""
        return Visits(self.desks, self.clock)


def ports_of(request: Request) -> Ports:
    """What the composition root handed in.

    For dependencies that others stand on: FastAPI solves one of its own anew wherever it is named.
    """
    found: Ports = request.app.state.ports
    return found


async def ports(request: Request) -> Ports:  # a plain function would go through a thread
    return ports_of(request)


PortsDep = Annotated[Ports, Depends(ports)]


async def caller(
    request: Request,
    authorization: Annotated[
        str, Header(description="`Bearer` and an API key, a session's or the operator's token")
    ] = "",
    x_tenant: Annotated[
        str, Header(description="the tenant's id, for who may act in several")
    ] = "",
    named: Annotated[str, Query(alias="tenant", description="instead of the header X-Tenant")] = "",
    x_staff_reason: Annotated[
        str, Header(max_length=40, description="why staff act in a tenant: a code, recorded")
    ] = "",
) -> Caller:
    """Who asks, and for which tenant. Raises Problem for nobody that is known."""
    found = ports_of(request)
    given = Site(found.identity.public_url).token_of(request, authorization)
    tenant_id = x_tenant or named
    if "\x00" in tenant_id:
        raise Problem("invalid", "an id has no NUL character")
    known = await found.callers.find(given, tenant_id) if given else None
    if not known:
        await found.rates.unknown(found.reads, request.scope, origin_of(request).ip)
        raise Problem("unauthorized", "send `Authorization: Bearer` with a key that is valid here")
    if not known.tenant_id:
        raise Problem("tenant_missing", "name the tenant in the header X-Tenant, or as ?tenant=")
    if known.actor != OPERATOR:
        await found.rates.caller(found.reads, request.scope, known.tenant_id, known.actor)
    if known.staff:
        await found.visits.enter(known, x_staff_reason)
    return known


CallerDep = Annotated[Caller, Depends(caller)]


AUTH = "/v1/auth"


async def stranger(request: Request) -> None:
    """A dependency of routers that have such paths: who logs in or signs up is counted by IP."""
    if request.scope["path"].startswith(AUTH):
        found = ports_of(request)
        await found.rates.stranger(found.reads, request.scope, origin_of(request).ip)


class May:
    """A dependency: the caller, if it has this permission. Tests read `permission` off routes.

    Where something `sends`, a person whose address is not verified may not. What is dangerous wants
    a `fresh` proof of a person: the password, given lately. A question may name a position
    (`min_position`): it waits until `models`, or all read models, have applied it.
    """

    def __init__(
        self,
        permission: str,
        *,
        sends: bool = False,
        fresh: bool = False,
        models: Sequence[str] = (),
    ) -> None:
        if permission not in PERMISSIONS | PLATFORM_PERMISSIONS:
            raise ValueError(f"{permission} is no permission of domain/access.py")
        self.permission = permission
        self.sends = sends
        self.fresh = fresh
        self.models = models

    async def __call__(
        self,
        request: Request,
        found: CallerDep,
        min_position: PositionQuery = 0,
        pm_min_position: PositionHeader = 0,
    ) -> Caller:
        ports_ = ports_of(request)
        self.check(found, ports_)
        if position := max(min_position, pm_min_position):
            await positions.reached(ports_.reads, found.tenant_id, position, self.models)
        return found

    def check(self, found: Caller, ports_: Ports) -> None:
        """Raises Problem for a caller who may not."""
        if not found.may(self.permission):
            raise Problem("forbidden", f"this needs the permission {self.permission}")
        if self.sends and found.unverified:
            raise Problem("email_unverified", "verify your address before anything is sent")
        if self.fresh and not found.is_fresh(ports_.clock()):
            raise Problem("proof_required", "give your password once more: POST /v1/me/proof")


def may(permission: str, *, fresh: bool = False, models: Sequence[str] = ()) -> Any:
    """The caller that has this permission, for `Annotated[Caller, …]`; else `forbidden`.

    `models`: the read models that the question reads, for `min_position`; none: all of them.
    """
    return Depends(May(permission, fresh=fresh, models=models))


class AtDesk:
    """A dependency: a desk for the caller's command, if it has this permission."""

    def __init__(self, permission: str, *, sends: bool = False, fresh: bool = False) -> None:
        self._may = May(permission, sends=sends, fresh=fresh)
        self.permission = permission
        self.sends = sends
        self.fresh = fresh

    async def __call__(
        self,
        request: Request,
        found: CallerDep,
        idempotency_key: Annotated[
            str,
            Header(
                max_length=255,
                pattern=r"^[\x21-\x7e]*$",
                description="repeating a request with it is safe: it is done once",
            ),
        ] = "",
    ) -> Desk:
        ports_ = ports_of(request)
        self._may.check(found, ports_)
        await idempotency.reserve(
            request,
            ports_.reads,
            ports_.life,
            ports_.desks.seals,
            found.tenant_id,
            found.actor,
            idempotency_key,
        )
        return ports_.desks.at(
            found.tenant_id,
            found.actor,
            idempotency_key=idempotency_key,
            workspace_ids=found.workspace_ids,
            correlation=request.scope.get("request_id", ""),
        )


def at_desk(permission: str, *, sends: bool = False, fresh: bool = False) -> Any:
    """A desk for the caller's command, for `Annotated[Desk, …]` in `def` routes.

    `sends`: the command lets mail out, which needs a verified address. `fresh`: it is dangerous, so
    that a person gives their password not long before it.
    """
    return Depends(AtDesk(permission, sends=sends, fresh=fresh))


LimitQuery = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="how many at most")]
CursorQuery = Annotated[str, Query(max_length=500, description="`next_cursor` of the page before")]
DEFAULT_LIMIT = LIMIT_DEFAULT
