"""Staff by command, at a desk at the platform: add, change role, new token, remove, list."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import errors

from adapters.postgres import named_sql
from api import key_tokens
from api.commands.keys import CreatedKey
from api.commands.people import only_refused
from api.desk import Desk
from domain import staff
from domain.access import STAFF_ROLES
from domain.refusals import Invalid, NotFound, Taken

SQL = named_sql(Path(__file__).with_suffix(".sql"))
Row = dict[str, Any]


def add(desk: Desk, *, name: str, role: str, by: frozenset[str], now: datetime) -> CreatedKey:
    """Take somebody on; their token is shown once. Raises Invalid for a role above `by`."""
    _require_givable(role, by)
    staff_id = desk.fresh_id("stf")
    position = desk.decide(
        staff, staff.stream(), partial(staff.add, staff_id=staff_id, role=role)
    ).position
    made = key_tokens.make(key_tokens.STAFF)
    try:
        desk.write(
            SQL["keep"],
            staff_id=staff_id,
            name=name,
            role=role,
            handle=made.handle,
            hash=made.hash,
            now=now,
        )
    except errors.UniqueViolation as error:
        raise Taken("staff_id: made already, its token was shown then; ask for another") from error
    return CreatedKey(staff_id, made.text, position)


def change(desk: Desk, staff_id: str, *, role: str, by: frozenset[str]) -> int | None:
    """Another role, from the next request on. Raises NotFound, Invalid, WrongState."""
    _require_givable(role, by)
    _require_givable(one(desk, staff_id)["role"], by)
    decide = partial(staff.change, staff_id=staff_id, role=role)
    position = desk.decide(staff, staff.stream(), decide).position
    desk.write(SQL["role"], staff_id=staff_id, role=role)
    return position


def renew(desk: Desk, staff_id: str, *, by: frozenset[str]) -> CreatedKey:
    """Another token in the place of the old one, which ends now. Raises NotFound, Invalid."""
    _require_givable(one(desk, staff_id)["role"], by)
    made = key_tokens.make(key_tokens.STAFF)
    desk.write(SQL["token"], staff_id=staff_id, handle=made.handle, hash=made.hash)
    return CreatedKey(staff_id, made.text, None)


def remove(desk: Desk, staff_id: str, *, by: frozenset[str]) -> int | None:
    """Let somebody go: the next request with their token is refused. Raises as `change`."""
    _require_givable(one(desk, staff_id)["role"], by)
    leave = partial(staff.remove, staff_id=staff_id)
    desk.decide(staff, staff.stream(), partial(only_refused, leave))
    desk.write(SQL["remove"], staff_id=staff_id)  # what takes away: the row first
    return desk.decide(staff, staff.stream(), leave).position


def one(desk: Desk, staff_id: str) -> Row:
    """A member of staff. Raises NotFound."""
    found = desk.rows(SQL["one"], staff_id=staff_id)
    if not found:
        raise NotFound("staff_id: there is no such member of staff; list them")
    return found[0]


def page(desk: Desk, *, after: str = "", limit: int = 100) -> list[Row]:
    """All staff, also who was removed, in the order of their ids."""
    return desk.rows(SQL["page"], after=after, limit=limit)


def _require_givable(role: str, by: frozenset[str]) -> None:
    if role not in STAFF_ROLES:
        names = ", ".join(STAFF_ROLES)
        raise Invalid(f"role: there is no staff role {role!r}; choose one of {names}")
    if not STAFF_ROLES[role] <= by:
        raise Invalid(f"role: {role} is above your own; ask one who has it")
