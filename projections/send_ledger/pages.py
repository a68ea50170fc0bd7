"""Pages of a tenant's sends by any filter, in one order: newest batch first, then by index.

No index of the ledger's rows serves them: rows change twice a send, and each index would be written
each time. `rm.send_part` says which batches have what is looked for, and how much of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from projections.reads import Bound

SQL = named_sql(Path(__file__).parent / "pages.sql")
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What is looked for; empty: all. Times are those of the request, `until` is not within."""

    campaign_id: str = ""
    contact_id: str = ""
    provider: str = ""
    state: str = ""
    ip: str = ""
    since: datetime = FIRST
    until: datetime = LAST
    workspaces: tuple[str, ...] | None = None  # of the campaign; None: all


@dataclass(frozen=True)
class After:
    """The last send of the page before; as it is made: before the first one."""

    at: datetime = LAST
    batch_id: str = ""
    idx: int = -1

    @classmethod
    def of(cls, row: Row) -> After:
        return cls(row["requested_at"], row["batch_id"], row["idx"])


async def page(bound: Bound, wanted: Wanted, after: After, limit: int) -> list[Row]:
    """Sends after this one, at most `limit`; signals that each had beside them."""
    values: dict[str, Any] = vars(wanted) | {"limit": limit} | vars(after)
    values["workspaces"] = None if wanted.workspaces is None else list(wanted.workspaces)
    if wanted.contact_id:
        return await bound.rows(SQL["rows_of_contact"], **values)
    batches = await bound.rows(_batches(wanted), **values | {"limit": limit + 1})
    ids = _enough(batches, after, limit)
    return await bound.rows(SQL["rows"], batch_ids=ids, **values) if ids else []


async def count(bound: Bound, wanted: Wanted) -> int:
    """How many sends there are of this, whoever they went to."""
    values = vars(replace(wanted, contact_id=""))
    values |= {"workspaces": None if wanted.workspaces is None else list(wanted.workspaces)}
    (row,) = await bound.rows(SQL["count"], **values)
    return int(row["sends"])


def _batches(wanted: Wanted) -> Any:
    """The statement that finds batches for this filter by the index that fits best."""
    by_part = bool(wanted.state or wanted.ip)
    if wanted.campaign_id:
        return SQL["parts_of_campaign" if by_part else "batches_of_campaign"]
    if not by_part:
        return SQL["batches"]
    return SQL["parts_by_state" if wanted.state else "parts_by_ip"]


def _enough(batches: Sequence[Row], after: After, limit: int) -> list[str]:
    """The first batches that together have a page; of the one to go on with some may be left."""
    ids, sends = [], 0
    for batch in batches:
        if sends >= limit:
            break
        ids.append(batch["batch_id"])
        sends += 0 if batch["batch_id"] == after.batch_id else batch["sends"]
    return ids
