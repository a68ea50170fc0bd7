"""Who a person is that asks about themselves: by session, whatever tenant they name or do not."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request

from adapters.identity.sessions import Living
from api.browsers import Origin, Site, origin_of
from api.commands.accounts import Identity
from api.problems import Problem
from api.sessions import Sessions
from api.wiring import PortsDep


def identity(ports: PortsDep) -> Identity:
    return ports.identity


def site(ports: PortsDep) -> Site:
    return Site(ports.identity.public_url)


IdentityDep = Annotated[Identity, Depends(identity)]
SiteDep = Annotated[Site, Depends(site)]
OriginDep = Annotated[Origin, Depends(origin_of)]


async def person(
    request: Request,
    ports: PortsDep,
    here: SiteDep,
    authorization: Annotated[str, Header(description="`Bearer` and a session's token")] = "",
) -> Living:
    """The session that asks. Raises Problem for everybody else, API keys too."""
    found = await Sessions(ports.reads, ports.clock).whose(here.token_of(request, authorization))
    if found is None:
        raise Problem("unauthorized", "log in: this needs a person's session")
    return found


PersonDep = Annotated[Living, Depends(person)]
