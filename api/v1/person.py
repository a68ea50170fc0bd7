"""Who a person is that asks about themselves: by session, whatever tenant they name or do not."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Request

from adapters.identity.accounts import Account
from adapters.identity.sessions import ABSOLUTE_S, Living, Opened
from api.answers import Json
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


def cookie(request: Request, here: SiteDep) -> Site | None:
    """The site whose cookie carried the session; None when a header did."""
    return None if request.headers.get("authorization") else here


CookieDep = Annotated[Site | None, Depends(cookie)]


def session_answer(
    identity: Identity, account: Account, opened: Opened, keep: Site | None, **told: Any
) -> Json:
    """A fresh session: its token in a cookie that no script reads, or (keep None) in the answer."""
    answer = Json(
        {
            "object": "session",
            "session_id": opened.session_id,
            "user_id": account.user_id,
            "email_verified": account.verified_at is not None,
            "token": "" if keep else opened.token,
            "ends_at": identity.clock() + timedelta(seconds=ABSOLUTE_S),
        }
        | told
    )
    if keep:
        keep.keep(answer, opened.token)
    return answer
