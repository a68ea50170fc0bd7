"""Suppressions: who is not mailed, as far as which scope goes, since when and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi import Body as FastBody
from pydantic import AwareDatetime, Field, StringConstraints, model_validator
from starlette.responses import StreamingResponse

from api import csv_texts
from api import shapes_campaigns as shapes
from api.answers import Json, listed
from api.bodies import Body, IdPath, IdText, Reason
from api.callers import Caller
from api.commands import suppression_import
from api.commands import suppressions as commands
from api.commands.suppressions import Wish
from api.desk import Desk
from api.problems import Problem
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may
from domain.access import PLATFORM_PERMISSIONS
from domain.suppression import REASONS, Reach, Scope

router = APIRouter(prefix="/v1/suppressions", tags=["suppressions"])
BULK_MAX, CHECK_MAX = 1000, 1000
EXPORT_PAGE = 2000
TENANT_SCOPES = tuple(scope.value for scope in Scope if scope is not Scope.PLATFORM)
COLUMNS = ("address", "contact_id", "scope", "target", "reason", "since")

Reader = Annotated[Caller, may("suppressions:read")]
Looker = Annotated[Desk, at_desk("suppressions:read")]
Writer = Annotated[Desk, at_desk("suppressions:write")]
StaffCaller = Annotated[Caller, may("suppressions:write")]
ReasonFilter = Annotated[
    str, Query(pattern=f"^({'|'.join(REASONS)})?$", description="only for this reason")
]
ScopeFilter = Annotated[
    str, Query(pattern=f"^({'|'.join(TENANT_SCOPES)})?$", description="only in this scope")
]
SinceQuery = Annotated[AwareDatetime | None, Query(description="since this moment or later")]
UntilQuery = Annotated[AwareDatetime | None, Query(description="since before this moment")]
ScopeQuery = Annotated[
    Literal["tenant", "workspace", "message_class"], Query(description="how far it reaches")
]
TargetQuery = Annotated[
    str, Query(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$", description="within the scope")
]
ReasonQuery = Annotated[
    str,
    Query(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f@]+$",
        description="why; without names and addresses",
    ),
]
Address = Annotated[str, StringConstraints(max_length=254), Field(examples=["ann@example.com"])]
ScopeName = Annotated[
    Literal["tenant", "workspace", "message_class", "platform"],
    Field(description="how far it reaches; platform is staff's alone"),
]
Target = Annotated[
    IdText, Field(description="the workspace's id, or the message class; else left out")
]
ReasonName = Literal["hard_bounce", "complaint", "unsubscribe", "manual", "import"]


class Whom(Body):
    """Somebody, by address or by contact, and a scope."""

    address: Address = ""
    contact_id: IdText = ""
    scope: ScopeName = "tenant"
    target: Target = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Whom:
        if bool(self.address) == bool(self.contact_id):
            raise ValueError("give either address or contact_id")
        return self

    @property
    def reach(self) -> Reach:
        return Reach(Scope(self.scope), self.target)


class NewSuppression(Whom):
    """Mail them no more."""

    reason: ReasonName = "manual"

    @property
    def wish(self) -> Wish:
        return Wish(self.address, self.contact_id, self.reach, self.reason)


class Bulk(Body):
    """Many at once; each is decided by itself."""

    items: Annotated[list[NewSuppression], Field(min_length=1, max_length=BULK_MAX)]


class Lifted(Whom):
    """Let them be mailed again, and why."""

    reason: Reason


class Question(Body):
    """Addresses of which it is asked whether they may be mailed."""

    addresses: Annotated[list[Address], Field(min_length=1, max_length=CHECK_MAX)]
    workspace_id: IdText = ""
    message_class: Literal["bulk", "transactional"] = "bulk"


class Everywhere(Body):
    """An address, for all tenants, and why."""

    address: Address
    reason: Annotated[Reason, Field(description="why it is lifted")] = "staff"


@router.get("", responses=shapes.SUPPRESSIONS)
async def list_suppressions(
    caller: Reader,
    ports: PortsDep,
    reason: ReasonFilter = "",
    scope: ScopeFilter = "",
    since: SinceQuery = None,
    until: UntilQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """Whom the tenant does not mail, the newest first. The platform's own list is not shown."""
    place = (caller.tenant_id, "suppressions", reason, scope, str(since), str(until))
    after = ports.cursors.read(place, cursor) if cursor else None
    filters = _filters(reason, scope, since, until, caller.workspace_ids)
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await bound.rows(commands.SQL["page"], **filters, **_after(after), limit=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    following = ports.cursors.make(place, _position(last)) if last else None
    return listed([_shown(row) for row in found[:limit]], following)


@router.post("", status_code=201, responses=shapes.SUPPRESSED)
def suppress(body: NewSuppression, desk: Writer) -> Json:
    """Mail somebody no more; mail that is queued or held is not sent either.

    An address that is nobody's lead yet is kept, and whoever imports it later finds it suppressed.
    """
    done = commands.suppress(desk, body.wish)
    told = {
        "object": "suppression",
        "contact_id": done.contact_id,
        "scope": body.scope,
        "target": body.target,
        "reason": body.reason,
        "created": done.created,
        "position": done.position,
    }
    return Json(told, status_code=201)


@router.post("/bulk", responses=shapes.BULK)
def suppress_many(body: Bulk, desk: Writer) -> Json:
    """As one, up to a thousand: what became of each, in order; one refused stops no other."""
    return _many(commands.suppress_all(desk, [item.wish for item in body.items]))


@router.post("/import", responses=shapes.IMPORTED)
def import_suppressions(
    body: Annotated[
        bytes, FastBody(media_type="text/csv", description="CSV in UTF-8, a header line first")
    ],
    desk: Writer,
    scope: ScopeQuery = "tenant",
    target: TargetQuery = "",
) -> Json:
    """A list from elsewhere: a column `email`, and `reason` where it is known, else `import`."""
    reach = Reach(Scope(scope), target)
    found = suppression_import.load(desk, body, reach)
    return Json({"object": "suppression_import"} | found)


@router.post("/check", responses=shapes.CHECKED)
def check_addresses(body: Question, desk: Looker) -> Json:
    """Whether these addresses may be mailed, and if not, in which scope, why and since when."""
    found = commands.verdicts(desk, body.addresses, body.workspace_id, body.message_class)
    return Json({"object": "suppression_verdicts", "data": found})


@router.get("/export", responses=shapes.EXPORT)
def export_suppressions(
    desk: Looker, reason: ReasonFilter = "", scope: ScopeFilter = ""
) -> StreamingResponse:
    """The list as CSV. A cell that a spreadsheet could take for a formula is made text."""
    filters = _filters(reason, scope, None, None, desk.workspace_ids)
    headers = {"content-disposition": 'attachment; filename="suppressions.csv"'}
    return StreamingResponse(_csv(desk, filters), media_type="text/csv", headers=headers)


@router.post("/lift", responses=shapes.LIFTED)
def lift(body: Lifted, desk: Writer) -> Json:
    """Let somebody be mailed again, as far as the scope goes."""
    return _lift(desk, Wish(body.address, body.contact_id, body.reach), body.reason)


@router.delete("/{contact_id}", responses=shapes.LIFTED)
def lift_contact(
    contact_id: IdPath,
    desk: Writer,
    reason: ReasonQuery,
    scope: ScopeQuery = "tenant",
    target: TargetQuery = "",
) -> Json:
    """As `lift`, of a contact."""
    return _lift(desk, Wish("", contact_id, Reach(Scope(scope), target)), reason)


@router.post("/platform", status_code=201, responses=shapes.PLATFORM_ADDED)
def suppress_everywhere(body: Everywhere, caller: StaffCaller, ports: PortsDep) -> Json:
    """For staff: no tenant mails this address any more, and none can lift that."""
    desk = _staff_desk(caller, ports)
    return _platform(commands.suppress_everywhere(desk, body.address, "manual"), 201)


@router.post("/platform/lift", responses=shapes.PLATFORM)
def lift_everywhere(body: Everywhere, caller: StaffCaller, ports: PortsDep) -> Json:
    """For staff: tenants may mail this address again."""
    desk = _staff_desk(caller, ports)
    return _platform(commands.lift_everywhere(desk, body.address, body.reason), 200)


def _staff_desk(caller: Caller, ports: Any) -> Desk:
    if not (caller.staff or caller.permissions >= PLATFORM_PERMISSIONS):
        raise Problem("forbidden", "scope: only the platform's staff suppress for all tenants")
    found: Desk = ports.desks.at(caller.tenant_id, caller.actor)
    return found


def _platform(decided: Any, status: int) -> Json:
    told = {"object": "suppression", "scope": "platform", "changed": bool(decided.events)}
    return Json(told | {"position": decided.position}, status_code=status)


def _lift(desk: Desk, wish: Wish, reason: str) -> Json:
    lifted, position = commands.lift(desk, wish, reason)
    return Json({"object": "suppression", "lifted": lifted, "position": position})


def _many(done: list[commands.Done]) -> Json:
    items = [
        {
            "index": index,
            "status": 422 if one.refusal else 201 if one.created else 200,
            "contact_id": one.contact_id,
            "detail": one.refusal,
        }
        for index, one in enumerate(done)
    ]
    failed = sum(bool(one.refusal) for one in done)
    position = max((one.position for one in done if one.position), default=None)
    told = {"object": "bulk", "done": len(done) - failed, "failed": failed, "items": items}
    return Json(told | {"position": position})


# ---- pages of rows


def _filters(
    reason: str,
    scope: str,
    since: datetime | None,
    until: datetime | None,
    workspace_ids: frozenset[str] | None,
) -> dict[str, Any]:
    seen = None if workspace_ids is None else sorted(workspace_ids)
    return {
        "reason": reason,
        "scope": scope,
        "since": since,
        "until": until,
        "workspaces": seen,
    }


def _after(position: list[Any] | None) -> dict[str, Any]:
    since, contact_id, scope, target = position or (None, "", "", "")
    names = {"after_id": contact_id, "after_scope": scope, "after_target": target}
    return {"after_since": since, **names}


def _position(row: Mapping[str, Any]) -> list[Any]:
    return [row["since"].isoformat(), row["contact_id"], row["scope"], row["target"]]


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"object": "suppression"} | dict(row)


def _csv(desk: Desk, filters: Mapping[str, Any]) -> Iterator[str]:
    yield csv_texts.line(COLUMNS)
    position: list[Any] | None = None
    while True:
        rows = desk.rows(commands.SQL["page"], **filters, **_after(position), limit=EXPORT_PAGE)
        for row in rows:
            shown = row | {"since": row["since"].isoformat()}
            yield csv_texts.line([shown[name] for name in COLUMNS])
        if len(rows) < EXPORT_PAGE:
            return
        position = _position(rows[-1])
