"""What routes are given: the door to read models, cursors, and for whom the caller asks."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Query, Request

from api.paging import LIMIT_DEFAULT, LIMIT_MAX, Cursors
from api.problems import Problem
from projections.reads import Reads


@dataclass(frozen=True)
class Ports:
    """What the composition root hands to the API."""

    reads: Reads
    cursors: Cursors
    token: str  # the operator's; empty: nobody may ask about tenants
    clock: Callable[[], datetime]
    links: dict[str, str]  # name → address, for the page at /


def ports(request: Request) -> Ports:
    found: Ports = request.app.state.ports
    return found


PortsDep = Annotated[Ports, Depends(ports)]


async def tenant(
    found: PortsDep,
    authorization: Annotated[
        str, Header(description="`Bearer` and the stack's operator token")
    ] = "",
    x_tenant: Annotated[str, Header(description="the tenant's id")] = "",
    named: Annotated[str, Query(alias="tenant", description="instead of the header X-Tenant")] = "",
) -> str:
    """For which tenant the caller asks. Raises Problem unless it holds the operator's token."""
    scheme, _, given = authorization.partition(" ")
    allowed = hmac.compare_digest(given.strip().encode(), found.token.encode())
    if not (found.token and scheme.lower() == "bearer" and allowed):
        raise Problem("unauthorized", "send `Authorization: Bearer` with the operator's token")
    if not (x_tenant or named):
        raise Problem("tenant_missing", "name the tenant in the header X-Tenant, or as ?tenant=")
    return _plain(x_tenant or named)


def _plain(value: str) -> str:
    if "\x00" in value:
        raise Problem("invalid", "an id has no NUL character")
    return value


TenantDep = Annotated[str, Depends(tenant)]
LimitQuery = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="how many at most")]
CursorQuery = Annotated[str, Query(max_length=500, description="`next_cursor` of the page before")]
DEFAULT_LIMIT = LIMIT_DEFAULT
