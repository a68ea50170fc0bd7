"""People of a tenant by command: let in, change, disable, enable, remove, list.

Who may do what is read from the row at each request. So the row comes first for what takes access
away, and the event first for what gives some: whatever breaks in between, nobody has more than the
log says, and repeating the command mends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, LiteralString

from psycopg import Connection, errors

from adapters import postgres
from adapters.postgres import named_sql
from api.desk import Desk
from domain import membership
from domain.access import permissions_of
from domain.event import Event
from domain.membership import Granter, State
from domain.ports import ConcurrentAppend, Decided
from domain.refusals import NotFound

SQL = named_sql(Path(__file__).with_suffix(".sql"))
TURN_MAX_S = 2
Row = dict[str, Any]
Decide = Callable[[State], Sequence[Event]]


@dataclass(frozen=True)
class Place:
    """A role, and the only workspaces that it is for; None: all of them."""

    role: str
    workspace_ids: tuple[str, ...] | None = None

    @property
    def rows(self) -> list[str] | None:
        """As rows keep it."""
        return None if self.workspace_ids is None else sorted(set(self.workspace_ids))

    def within(self, other: Place) -> bool:
        """Whether this is nothing more than the other."""
        if not permissions_of(self.role) <= permissions_of(other.role):
            return False
        if other.workspace_ids is None:
            return True
        return self.workspace_ids is not None and {*self.workspace_ids} <= {*other.workspace_ids}


def grant(
    desk: Desk, user_id: str, place: Place, *, by: Granter, reason: str, now: datetime
) -> Decided:
    """Let a person in; who is in keeps what they have. Raises Invalid for what `by` cannot give."""
    decide = partial(
        membership.grant,
        tenant_id=desk.tenant_id,
        user_id=user_id,
        role=place.role,
        workspace_ids=place.workspace_ids,
        by=by,
        reason=reason,
    )
    values = {"user_id": user_id, "role": place.role, "workspace_ids": place.rows, "now": now}
    with _alone(desk) as conn:
        decided = _decide(desk, decide)
        _write(desk, conn, SQL["grant"], values)
    return decided


def change(desk: Desk, user_id: str, place: Place, *, by: Granter, reason: str) -> Decided:
    """Another role or other workspaces. Raises NotFound, Invalid, WrongState."""
    decide = partial(
        membership.change,
        tenant_id=desk.tenant_id,
        user_id=user_id,
        role=place.role,
        workspace_ids=place.workspace_ids,
        by=by,
        reason=reason,
    )
    row = one(desk, user_id)
    chosen = row["workspace_ids"]
    before = Place(row["role"], None if chosen is None else tuple(chosen))
    values = {"user_id": user_id, "role": place.role, "workspace_ids": place.rows}
    return _apply(desk, decide, SQL["change"], values, takes=place.within(before))


def disable(desk: Desk, user_id: str, *, by: Granter, reason: str) -> Decided:
    """Take a person's access; they keep their place. Raises NotFound, Invalid, WrongState."""
    return _turn(desk, membership.disable, user_id, membership.DISABLED, by=by, reason=reason)


def enable(desk: Desk, user_id: str, *, by: Granter, reason: str) -> Decided:
    """Give a disabled person their access back. Raises NotFound, Invalid."""
    return _turn(desk, membership.enable, user_id, membership.ACTIVE, by=by, reason=reason)


def end(desk: Desk, user_id: str, *, by: Granter, reason: str) -> Decided:
    """Remove a person. Raises NotFound, Invalid, WrongState."""
    one(desk, user_id)
    return _turn(desk, membership.end, user_id, membership.REMOVED, by=by, reason=reason)


def _turn(
    desk: Desk, decision: Any, user_id: str, state: str, *, by: Granter, reason: str
) -> Decided:
    decide = partial(decision, tenant_id=desk.tenant_id, user_id=user_id, by=by, reason=reason)
    values = {"user_id": user_id, "state": state}
    return _apply(desk, decide, SQL["state"], values, takes=state != membership.ACTIVE)


def _apply(
    desk: Desk, decide: Decide, statement: LiteralString, values: Row, *, takes: bool
) -> Decided:
    """Row and event, in the order that never leaves anybody more than the log says."""
    with _alone(desk) as conn:
        if takes:
            _decide(desk, partial(only_refused, decide))
            _write(desk, conn, statement, values)
            return _decide(desk, decide)
        decided = _decide(desk, decide)
        _write(desk, conn, statement, values)
        return decided


def only_refused(decide: Callable[[Any], Sequence[Event]], state: Any) -> tuple[Event, ...]:
    """Nothing but the refusal that a decision would give: what is asked before a row is changed."""
    decide(state)
    return ()


def _decide(desk: Desk, decide: Decide) -> Decided:
    return desk.decide(membership, membership.stream(desk.tenant_id), decide)


@contextmanager
def _alone(desk: Desk) -> Iterator[Connection[Any]]:
    """The only command about this tenant's people. Raises ConcurrentAppend after waiting long."""
    named = {"tenant_id": desk.tenant_id}
    with desk.connect() as conn:
        try:
            with conn.transaction():
                conn.execute("SELECT set_config('lock_timeout', %s, true)", (f"{TURN_MAX_S}s",))
                conn.execute(SQL["alone"], named)
        except errors.LockNotAvailable as error:
            raise ConcurrentAppend("others change the people of this tenant; ask again") from error
        try:
            yield conn
        finally:
            conn.execute(SQL["release"], named)


def _write(desk: Desk, conn: Connection[Any], statement: LiteralString, values: Row) -> None:
    with conn.transaction():
        postgres.set_tenant(conn, desk.tenant_id)
        conn.execute(statement, values | {"tenant_id": desk.tenant_id})


# ---- questions


def one(desk: Desk, user_id: str) -> Row:
    """A person of the tenant whom this caller may see. Raises NotFound."""
    found = desk.rows(SQL["one"], user_id=user_id, **sight(desk))
    if not found:
        raise NotFound("user_id: there is no such user in this tenant; list them")
    return found[0]


def page(desk: Desk, *, after: str = "", role: str = "", limit: int) -> list[Row]:
    """The tenant's people whom this caller may see, in the order of their ids."""
    return desk.rows(SQL["page"], after=after, role=role, limit=limit, **sight(desk))


def sight(desk: Desk) -> dict[str, Any]:
    """What bounds the caller's view, as queries take it."""
    chosen = desk.workspace_ids
    return {"workspaces": None if chosen is None else sorted(chosen)}
