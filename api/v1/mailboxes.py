"""Mailboxes: which ones a tenant has, their limits and state. Credentials go in and never out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field, SecretStr, StringConstraints, model_validator

from api import shapes_content as shapes
from api.answers import Json, listed
from api.bodies import Body, IdPath, IdText, Reason
from api.callers import Caller
from api.commands import mailboxes
from api.commands.mailboxes import Credential
from api.desk import Desk
from api.etags import IfMatch, at, shown, tagged
from api.problems import not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may
from domain import mailbox
from domain.mailbox import DAILY_LIMIT_DEFAULT, DAILY_LIMIT_MAX
from domain.ports import Decided
from projections.holdings import queries
from projections.reads import freshness

router = APIRouter(prefix="/v1/mailboxes", tags=["mailboxes"])
MODEL = "holdings"
Reader = Annotated[Caller, may("mailboxes:read")]
Writer = Annotated[Desk, at_desk("mailboxes:write")]
StateQuery = Annotated[
    str, Query(pattern="^(active|paused)?$", description="only mailboxes in this state")
]
DomainQuery = Annotated[
    str, Query(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$", description="only of this domain")
]
ReasonQuery = Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f@]+$")]
DailyLimit = Annotated[
    int, Field(ge=0, le=DAILY_LIMIT_MAX, description="messages on a UTC day", examples=[50])
]


class NewMailbox(Body):
    """A mailbox at one of the tenant's sending domains."""

    address: Annotated[str, Field(max_length=254, examples=["ann@example.com"])]
    daily_limit: DailyLimit = DAILY_LIMIT_DEFAULT
    warmup_wanted: bool = False
    workspace_id: IdText = ""


class MailboxChange(Body):
    """What is to be otherwise; what is left out stays."""

    daily_limit: DailyLimit | None = None
    warmup_wanted: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> MailboxChange:
        if self.daily_limit is None and self.warmup_wanted is None:
            raise ValueError("give daily_limit or warmup_wanted")
        return self


class Paused(Body):
    """Why nothing leaves from it for a while."""

    reason: Reason


class NewCredential(Body):
    """What opens the mailbox over one protocol."""

    protocol: Literal["smtp", "imap"]
    host: Annotated[
        str, StringConstraints(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:-]+$")
    ]
    port: Annotated[int, Field(ge=1, le=65535)]
    username: Annotated[
        str, StringConstraints(min_length=1, max_length=254, pattern=r"^[^\x00-\x1f\x7f]+$")
    ]
    password: Annotated[SecretStr, Field(min_length=1, max_length=1024)]


class Credentials(Body):
    """At most one of each protocol."""

    credentials: Annotated[list[NewCredential], Field(min_length=1, max_length=2)]

    @model_validator(mode="after")
    def _each_once(self) -> Credentials:
        if len({one.protocol for one in self.credentials}) < len(self.credentials):
            raise ValueError("give each protocol once")
        return self


@router.post("", status_code=201, responses=shapes.MAILBOX_CREATED)
def create_mailbox(body: NewMailbox, desk: Writer) -> Json:
    """Note a mailbox of one of the tenant's domains."""
    state, decided = mailboxes.create(
        desk,
        body.address,
        workspace_id=body.workspace_id,
        daily_limit=body.daily_limit,
        warmup_wanted=body.warmup_wanted,
    )
    return _told(state, decided, 201)


@router.get("", responses=shapes.MAILBOXES)
async def list_mailboxes(
    caller: Reader,
    ports: PortsDep,
    state: StateQuery = "",
    domain_id: DomainQuery = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The tenant's mailboxes, the newest first."""
    scope = (caller.tenant_id, "mailboxes", state, domain_id)
    at, last = ports.cursors.read(scope, cursor) if cursor else (None, "")
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await queries.mailboxes(
            bound,
            state=state,
            domain_id=domain_id,
            after=(datetime.fromisoformat(at) if at else None, last),
            limit=limit + 1,
            workspaces=caller.workspace_ids,
        )
        as_of = await freshness(bound, MODEL)
    following = None
    if len(found) > limit:
        edge = found[limit - 1]
        following = ports.cursors.make(scope, [edge["created_at"].isoformat(), edge["mailbox_id"]])
    return listed([_mailbox(row) for row in found[:limit]], following, as_of=as_of)


@router.get("/{mailbox_id}", responses=shapes.MAILBOX)
async def get_mailbox(mailbox_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """One mailbox. `protocols` tells which credentials there are; nothing tells them."""
    async with ports.reads.of(caller.tenant_id) as bound:
        tag = await shown(bound, mailbox.stream(mailbox_id), MODEL)
        found = await queries.mailbox(bound, mailbox_id, caller.workspace_ids)
        as_of = await freshness(bound, MODEL)
    if found is None:
        raise not_found("mailbox")
    answer = Json(_mailbox(found) | {"as_of": as_of})
    answer.headers["etag"] = tag
    return answer


@router.patch("/{mailbox_id}", responses=shapes.MAILBOX_EDITED)
def change_mailbox(
    mailbox_id: IdPath, body: MailboxChange, desk: Writer, if_match: IfMatch = ""
) -> Json:
    """Change its daily limit, or whether its volume is to rise slowly."""
    here, revision = at(desk, mailbox.stream(mailbox_id), if_match)
    decided = mailboxes.change(
        here, mailbox_id, daily_limit=body.daily_limit, warmup_wanted=body.warmup_wanted
    )
    return tagged(_now(desk, mailbox_id, decided), revision)


@router.post("/{mailbox_id}/pause", responses=shapes.MAILBOX_TOLD)
def pause_mailbox(mailbox_id: IdPath, body: Paused, desk: Writer) -> Json:
    """Let nothing leave from it until it is resumed."""
    return _now(desk, mailbox_id, mailboxes.pause(desk, mailbox_id, body.reason))


@router.post("/{mailbox_id}/resume", responses=shapes.MAILBOX_TOLD)
def resume_mailbox(mailbox_id: IdPath, desk: Writer) -> Json:
    """Go on after a pause."""
    return _now(desk, mailbox_id, mailboxes.resume(desk, mailbox_id))


@router.put("/{mailbox_id}/credentials", responses=shapes.MAILBOX_TOLD)
def put_credentials(mailbox_id: IdPath, body: Credentials, desk: Writer) -> Json:
    """Keep what opens it. It is sealed at once, and no answer ever shows it."""
    given = [
        Credential(one.protocol, one.host, one.port, one.username, one.password.get_secret_value())
        for one in body.credentials
    ]
    return _now(desk, mailbox_id, mailboxes.set_credentials(desk, mailbox_id, given))


@router.delete("/{mailbox_id}", responses=shapes.MAILBOX_TOLD)
def remove_mailbox(
    mailbox_id: IdPath, desk: Writer, reason: ReasonQuery = "removed by its owner"
) -> Json:
    """Give it up: its address and credentials are forgotten at once."""
    before = mailboxes.known(desk, mailbox_id)
    decided = mailboxes.remove(desk, mailbox_id, reason)
    return _told(before, decided, state="removed")


def _now(desk: Desk, mailbox_id: str, decided: Decided | None) -> Json:
    return _told(mailboxes.known(desk, mailbox_id), decided)


def _told(
    found: mailbox.State, decided: Decided | None, status: int = 200, state: str = ""
) -> Json:
    told = {
        "object": "mailbox",
        "mailbox_id": found.mailbox_id,
        "domain_id": found.domain_id,
        "daily_limit": found.daily_limit,
        "warmup_wanted": found.warmup_wanted,
        "state": state or ("paused" if found.paused else "active"),
        "position": decided.position if decided else None,
    }
    return Json(told, status_code=status)


def _mailbox(row: dict[str, Any]) -> dict[str, Any]:
    return {"object": "mailbox"} | row
