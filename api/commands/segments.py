"""Segments by command: save a filter, change it, and freeze who is in it into a list."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from psycopg.types.json import Jsonb

from adapters.contacts import filters, leads
from adapters.contacts.filters import Where
from api.commands.lists import NAME
from api.commands.lists import create as create_list
from api.desk import Desk
from api.workspaces import place, require_visible, workspace_of
from domain import segment, suppression
from domain.refusals import NotFound, Outdated, WrongState

KEEP = """
INSERT INTO vault.segment (tenant_id, segment_id, filter, created_at, changed_at)
VALUES (%(tenant_id)s, %(segment_id)s, %(filter)s, now(), now()) ON CONFLICT DO NOTHING
"""
FOUND = """
SELECT filter, version, archived_at FROM vault.segment
WHERE tenant_id = %(tenant_id)s AND segment_id = %(segment_id)s
"""
CHANGE = """
UPDATE vault.segment SET filter = %(filter)s, version = version + 1, changed_at = now()
WHERE tenant_id = %(tenant_id)s AND segment_id = %(segment_id)s AND version = %(version)s
"""
ARCHIVE = """
UPDATE vault.segment SET archived_at = now()
WHERE tenant_id = %(tenant_id)s AND segment_id = %(segment_id)s AND archived_at IS NULL
"""
LABEL = "SELECT label FROM vault.label WHERE tenant_id = %(tenant_id)s AND id = %(id)s"
MEMBERS = """
SELECT members FROM vault.lead_list WHERE tenant_id = %(tenant_id)s AND list_id = %(list_id)s
"""


def create(
    desk: Desk, segment_id: str, name: str, given: Mapping[str, Any], workspace_id: str = ""
) -> int | None:
    """Save a filter; the log's position. Repeating is safe. Raises Invalid, NotFound."""
    segment.read(given)
    place(desk, segment_id, workspace_id)
    desk.write(NAME, id=segment_id, kind="segment", name=name)
    desk.write(KEEP, segment_id=segment_id, filter=Jsonb(given))
    decide = partial(segment.create, tenant_id=desk.tenant_id, segment_id=segment_id)
    return desk.decide(segment, segment.stream(segment_id), decide).position


def require(desk: Desk, segment_id: str) -> dict[str, Any]:
    """Its `filter`, `version`, `archived_at`. Raises NotFound for one that is not the caller's."""
    found = desk.rows(FOUND, segment_id=segment_id)
    if not found:
        raise NotFound("segment_id: there is no such segment")
    require_visible(desk, segment_id, "segment")
    return found[0]


def change(
    desk: Desk,
    segment_id: str,
    *,
    name: str | None = None,
    given: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> int | None:
    """Another name, another filter, or both; the log's position, None for a name alone.

    Raises NotFound, Invalid, WrongState, and Outdated when it is not at `version` any more.
    """
    found = require(desk, segment_id)
    if version is not None and version != found["version"]:
        raise Outdated("If-Match: the segment was changed since; look at it again")
    if found["archived_at"]:
        raise WrongState("segment_id: the segment is archived; use another one")
    if name is not None:
        desk.write(NAME, id=segment_id, kind="segment", name=name)
    if given is None:
        return None
    segment.read(given)
    same = {"segment_id": segment_id, "version": found["version"]}
    if not desk.write(CHANGE, filter=Jsonb(given), **same):
        raise Outdated("If-Match: the segment was changed since; look at it again")
    decide = partial(segment.change, version=found["version"] + 1)
    return desk.decide(segment, segment.stream(segment_id), decide).position


def archive(desk: Desk, segment_id: str) -> int | None:
    """Offer the segment no more; the log's position. Raises NotFound."""
    require(desk, segment_id)
    decided = desk.decide(segment, segment.stream(segment_id), segment.archive)
    desk.write(ARCHIVE, segment_id=segment_id)
    return decided.position


def where(given: Mapping[str, Any] | None, id_key: str, workspaces: frozenset[str] | None) -> Where:
    """The filter's condition, over the leads that the caller may see; None: all of them.

    Raises Invalid.
    """
    node = segment.all_of(()) if given is None else segment.read(given)
    return filters.where(node, suppression.hash_key(id_key), workspaces)


def materialise(desk: Desk, segment_id: str) -> str:
    """A new list of who is in the segment now, which does not follow it; the list's id.

    Under one Idempotency-Key it is one list. Raises NotFound, WrongState.
    """
    found = require(desk, segment_id)
    if found["archived_at"]:
        raise WrongState("segment_id: the segment is archived; use another one")
    list_id = desk.fresh_id("lst")
    label = desk.rows(LABEL, id=segment_id)
    name = str(label[0]["label"]) if label else segment_id
    workspace_id = workspace_of(desk, segment_id)
    create_list(desk, list_id, name, workspace_id=workspace_id, segment_id=segment_id)
    _fill(desk, segment_id, list_id, where(found["filter"], desk.id_key, desk.workspace_ids))
    return list_id


def _fill(desk: Desk, segment_id: str, list_id: str, wanted: Where) -> None:
    statement = leads.into_list(wanted, list_id)
    values = statement.values | {"tenant_id": desk.tenant_id}
    with desk.transaction() as conn:
        before = conn.execute(MEMBERS, values).fetchone()
        if before and before[0]:
            return  # filled by the request that this one repeats
        conn.execute(statement.sql, values)
        row = conn.execute(MEMBERS, values).fetchone()
        count = int(row[0]) if row else 0
        decide = partial(segment.freeze, list_id=list_id, leads=count)
        desk.decide(segment, segment.stream(segment_id), decide)
