"""Workspaces by command: create, rename, archive, list, who is in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from api.commands.people import sight
from api.desk import Desk
from domain import workspace
from domain.refusals import Invalid, NotFound

SQL = named_sql(Path(__file__).with_suffix(".sql"))
Row = dict[str, Any]


def create(desk: Desk, *, name: str, now: datetime) -> tuple[str, int | None]:
    """A new workspace; its id and the log's position. Raises NotFound for a bounded caller.

    Who sees only some workspaces makes no other: they could not see it.
    """
    if desk.workspace_ids is not None:
        raise NotFound("workspace_id: you see only some workspaces; ask who sees all of them")
    workspace_id = desk.fresh_id("wsp")
    make = partial(workspace.create, tenant_id=desk.tenant_id, workspace_id=workspace_id)
    position = desk.decide(workspace, workspace.stream(workspace_id), make).position
    values = {"tenant_id": desk.tenant_id, "workspace_id": workspace_id, "name": name, "now": now}
    with desk.transaction() as conn:
        conn.execute(SQL["keep"], values)
        conn.execute(SQL["name"], values)
    return workspace_id, position


def rename(desk: Desk, workspace_id: str, *, name: str) -> int | None:
    """Call it otherwise. Raises NotFound, WrongState once archived."""
    one(desk, workspace_id)
    key = desk.derive("wsp", workspace_id, name)
    decide = partial(workspace.rename, label_key=key)
    position = desk.decide(workspace, workspace.stream(workspace_id), decide).position
    desk.write(SQL["name"], workspace_id=workspace_id, name=name)
    return position


def archive(desk: Desk, workspace_id: str, *, now: datetime) -> int | None:
    """Close it for what is new; what it holds stays. Raises NotFound."""
    one(desk, workspace_id)
    desk.write(SQL["archive"], workspace_id=workspace_id, now=now)
    return desk.decide(workspace, workspace.stream(workspace_id), workspace.archive).position


def one(desk: Desk, workspace_id: str) -> Row:
    """A workspace that this caller may see. Raises NotFound."""
    found = desk.rows(SQL["one"], workspace_id=workspace_id, **sight(desk))
    if not found:
        raise NotFound("workspace_id: there is no such workspace; list them")
    return found[0]


def page(desk: Desk, *, after: str, archived: bool, limit: int) -> list[Row]:
    """The workspaces that this caller may see, in the order of their ids."""
    return desk.rows(SQL["page"], after=after, archived=archived, limit=limit, **sight(desk))


def members(desk: Desk, workspace_id: str, *, after: str, limit: int) -> list[Row]:
    """Who may see a workspace. Raises NotFound."""
    one(desk, workspace_id)
    return desk.rows(
        SQL["members"], workspace_id=workspace_id, after=after, limit=limit, **sight(desk)
    )


def require_living(desk: Desk, wanted: Sequence[str] | None) -> None:
    """Raises Invalid for workspaces that are not there, archived or out of the caller's sight."""
    if wanted is None:
        return
    if not wanted:
        raise Invalid("workspace_ids: name some, or leave it out for all of them")
    found = {row["workspace_id"] for row in desk.rows(SQL["living"], wanted=list(wanted))}
    seen = found if desk.workspace_ids is None else found & desk.workspace_ids
    if missing := sorted(set(wanted) - seen):
        raise Invalid(f"workspace_ids: there is no workspace {missing[0]}; name your own")
