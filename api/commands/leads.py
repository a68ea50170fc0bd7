"""Leads by command: create, change, delete; one or up to 500 at once, each with its own result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb

from adapters.contacts.leads import QUERIES
from api.commands import lists
from api.commands.lead_items import (
    Changed,
    Create,
    Delete,
    Item,
    New,
    Update,
    read_change,
    read_new,
)
from api.desk import Desk
from domain import lead, lead_list
from domain.lead import LEADS_MAX
from domain.ports import ConcurrentAppend
from domain.refusals import Invalid, NotFound, Refused, Taken


@dataclass
class Result:
    """What an item came to: created, changed, unchanged, deleted, or refused and why."""

    done: str
    lead_id: str = ""
    version: int = 0
    refused: Refused | None = None


@dataclass(frozen=True)
class Outcome:
    """Results in the order of the items, and the log's position after them."""

    results: list[Result]
    position: int | None = None


def one(desk: Desk, item: Item) -> tuple[Result, int | None]:
    """As `several`, of a single item; raises what it was refused for."""
    outcome = several(desk, [item])
    if refused := outcome.results[0].refused:
        raise refused
    return outcome.results[0], outcome.position


def several(desk: Desk, items: Sequence[Item]) -> Outcome:
    """Do each item or tell why not; those that can be done are done in one transaction.

    Raises Invalid for too many, and NotFound or WrongState for a list that cannot be filled.
    """
    if not 0 < len(items) <= LEADS_MAX:
        raise Invalid(f"items: send 1 to {LEADS_MAX} at once")
    edit = _Edit(desk, items)
    for list_id in edit.list_ids:
        lists.require(desk, list_id, to_fill=True)
    try:
        with desk.transaction() as conn:
            edit.apply(conn)
            return Outcome(edit.results, edit.record())
    except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure) as error:
        raise ConcurrentAppend("the leads were changed by others at once; ask again") from error


class _Edit:
    """Several items as few statements."""

    def __init__(self, desk: Desk, items: Sequence[Item]) -> None:
        self._desk = desk
        self._items = items
        self._edit_id = desk.fresh_id("cmd")
        self.results = [Result("refused") for _ in items]
        self._position: int | None = None
        self._joined: dict[str, list[str]] = {}  # by list
        self._named: set[str] = set()

    @property
    def list_ids(self) -> list[str]:
        creates = (item for item in self._items if isinstance(item, Create))
        return sorted({item.list_id for item in creates if item.list_id})

    def apply(self, conn: Connection[Any]) -> None:
        """Every item that can be done, in the running transaction."""
        known = self._lock(conn)
        self._create(conn)
        self._change(conn, known)
        self._delete(conn, known)

    def record(self) -> int | None:
        """Tell the log what was done; its position."""
        decide = partial(
            lead.record,
            tenant_id=self._desk.tenant_id,
            created=self._done("created"),
            changed=self._done("changed"),
            deleted=self._done("deleted"),
        )
        self._position = self._desk.decide(lead, lead.stream(self._edit_id), decide).position
        for list_id, lead_ids in sorted(self._joined.items()):
            add = partial(lead_list.add_leads, contact_ids=lead_ids)
            decided = self._desk.decide(lead_list, lead_list.stream(list_id), add)
            self._position = decided.position
        return self._position

    def _done(self, word: str) -> list[str]:
        return [result.lead_id for result in self.results if result.done == word]

    def _values(self, **more: Any) -> dict[str, Any]:
        only = self._desk.workspace_ids
        workspaces = None if only is None else sorted(only)
        return {"tenant_id": self._desk.tenant_id, "workspaces": workspaces} | more

    def _lock(self, conn: Connection[Any]) -> dict[str, tuple[dict[str, str], int, list[str]]]:
        ids = sorted({item.lead_id for item in self._items if not isinstance(item, Create)})
        rows = conn.execute(QUERIES["locked"], self._values(ids=ids)).fetchall() if ids else []
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def _refuse(self, at: int, why: Refused) -> None:
        self.results[at] = Result("refused", refused=why)

    # ---- new ones

    def _create(self, conn: Connection[Any]) -> None:
        new = self._readable()
        if not new:
            return
        values = self._values(
            ids=[one.lead_id for one in new],
            addresses=[one.address for one in new],
            keys=[one.key for one in new],
            domains=[one.domain for one in new],
            fields=[Jsonb(one.fields) for one in new],
        )
        created = {row[0] for row in conn.execute(QUERIES["create"], values)}
        repeated = {row[0] for row in conn.execute(QUERIES["known"], values)} - created
        for one in new:
            self._created(one, created, repeated)
        self._tag(conn, [one for one in new if one.lead_id in created])
        self._join(conn, [one for one in new if one.lead_id in created | repeated])

    def _readable(self) -> list[New]:
        keys: set[str] = set()
        found = []
        for at, item in enumerate(self._items):
            if isinstance(item, Create):
                lead_id = self._desk.fresh_id("lea")
                try:
                    found.append(read_new(at, lead_id, item, keys))
                except Refused as why:
                    self._refuse(at, why)
        return found

    def _created(self, one: New, created: set[str], repeated: set[str]) -> None:
        if one.lead_id in created | repeated:  # repeated: under the same Idempotency-Key
            self.results[one.at] = Result("created", one.lead_id, 1)
        else:
            self._refuse(one.at, Taken("address: there is a lead with this address; change that"))

    def _join(self, conn: Connection[Any], new: Sequence[New]) -> None:
        for list_id in self.list_ids:
            ids = [one.lead_id for one in new if one.list_id == list_id]
            values = self._values(list_id=list_id, ids=ids)
            self._joined[list_id] = [row[0] for row in conn.execute(QUERIES["join_list"], values)]

    # ---- known ones

    def _change(
        self, conn: Connection[Any], known: dict[str, tuple[dict[str, str], int, list[str]]]
    ) -> None:
        changed = []
        for at, item in enumerate(self._items):
            if isinstance(item, Update) and self._is_there(at, item.lead_id, known):
                fields, version, tags = known[item.lead_id]
                try:
                    after = read_change(item, fields, version, tags)
                except Refused as why:
                    self._refuse(at, why)
                    continue
                same = (after.fields, after.tags) == (fields, tags)
                self.results[at] = Result(
                    "unchanged" if same else "changed", item.lead_id, version + (not same)
                )
                changed += [] if same else [after]
        if changed:
            ids, fields_after = [one.lead_id for one in changed], [one.fields for one in changed]
            values = self._values(ids=ids, fields=[Jsonb(fields) for fields in fields_after])
            conn.execute(QUERIES["change"], values)
            conn.execute(QUERIES["untag"], values)
            self._tag(conn, changed)

    def _tag(self, conn: Connection[Any], leads: Sequence[New | Changed]) -> None:
        pairs = [(one.lead_id, tag) for one in leads for tag in one.tags]
        if pairs:
            ids, tags = zip(*pairs, strict=True)
            conn.execute(QUERIES["tag"], self._values(ids=list(ids), tags=list(tags)))

    def _delete(self, conn: Connection[Any], known: Mapping[str, Any]) -> None:
        gone = []
        for at, item in enumerate(self._items):
            if isinstance(item, Delete) and self._is_there(at, item.lead_id, known):
                gone.append(item.lead_id)
                self.results[at] = Result("deleted", item.lead_id)
        if gone:
            for name in ("leave_lists", "untag", "leave_imports", "delete"):
                conn.execute(QUERIES[name], self._values(ids=gone))

    def _is_there(self, at: int, lead_id: str, known: Mapping[str, Any]) -> bool:
        if lead_id in self._named:
            self._refuse(at, Invalid("lead_id: named twice in one request; send one item for it"))
        elif lead_id not in known:
            self._refuse(at, NotFound("lead_id: there is no such lead"))
        else:
            self._named.add(lead_id)
            return True
        return False
