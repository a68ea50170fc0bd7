"""What a tenant has: its domains, senders, mailboxes, servers and templates (pools: pools.py).

`workspaces` are the only ones that the asker may see; None: all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from projections.reads import Bound

SQL = named_sql(Path(__file__).parent / "queries.sql")
Row = dict[str, Any]
Workspaces = frozenset[str] | None
VERSION_MAX = 2**31 - 1


def _only(workspaces: Workspaces) -> list[str] | None:
    return None if workspaces is None else sorted(workspaces)


def _first(rows: Sequence[Row]) -> Row | None:
    return rows[0] if rows else None


async def domains(
    bound: Bound, *, state: str, after: str, limit: int, workspaces: Workspaces
) -> list[Row]:
    """Sending domains after a name, by name; empty state: all."""
    only = _only(workspaces)
    return await bound.rows(SQL["domains"], state=state, after=after, limit=limit, workspaces=only)


async def domain(bound: Bound, domain_id: str, workspaces: Workspaces) -> Row | None:
    """One with its `keys`, the `looks` at its records and its `ips`; None: not the asker's."""
    found = _first(await bound.rows(SQL["domain"], id=domain_id, workspaces=_only(workspaces)))
    if found is None:
        return None
    return found | {
        "keys": await bound.rows(SQL["keys"], id=domain_id),
        "looks": await bound.rows(SQL["looks"], id=domain_id),
        "ips": await bound.rows(SQL["domain_ips"], id=domain_id),
    }


async def verified(bound: Bound, names: Collection[str]) -> set[str]:
    """Which of these domains the tenant may send as."""
    rows = await bound.rows(SQL["verified"], domains=sorted(names))
    return {row["domain"] for row in rows}


async def senders(
    bound: Bound, *, address: str, after: str, limit: int, workspaces: Workspaces
) -> list[Row]:
    """From addresses; empty address: all."""
    only = _only(workspaces)
    return await bound.rows(
        SQL["senders"], address=address, after=after, limit=limit, workspaces=only
    )


async def mailboxes(
    bound: Bound,
    *,
    state: str,
    domain_id: str,
    after: tuple[datetime | None, str],
    limit: int,
    workspaces: Workspaces,
) -> list[Row]:
    """Mailboxes, the newest first; `after` is creation and id of the last one seen."""
    return await bound.rows(
        SQL["mailboxes"],
        state=state,
        domain_id=domain_id,
        created_at=after[0],
        after=after[1],
        limit=limit,
        workspaces=_only(workspaces),
    )


async def mailbox(bound: Bound, mailbox_id: str, workspaces: Workspaces) -> Row | None:
    """One mailbox; None: not the asker's."""
    return _first(await bound.rows(SQL["mailbox"], id=mailbox_id, workspaces=_only(workspaces)))


async def servers(bound: Bound, *, state: str, after: str, limit: int) -> list[Row]:
    """VPS after an id, by id, each with the sending IPs that belong to it."""
    return await bound.rows(SQL["servers"], id="", state=state, after=after, limit=limit)


async def server(bound: Bound, vps_id: str) -> Row | None:
    """One VPS; None: not the tenant's."""
    return _first(await bound.rows(SQL["servers"], id=vps_id, state="", after="", limit=1))


async def placed(bound: Bound) -> dict[str, Row]:
    """By sending IP: its `vps_id` and its `domain_ids`."""
    return {row["ip"]: row for row in await bound.rows(SQL["placed"])}


async def templates(
    bound: Bound,
    *,
    archived: bool | None,
    folder: str,
    tag: str,
    after: str,
    limit: int,
    workspaces: Workspaces,
) -> list[Row]:
    """Templates, the newest first, before an id."""
    return await bound.rows(
        SQL["templates"],
        id="",
        archived=archived,
        folder=folder,
        tag=tag,
        after=after,
        limit=limit,
        workspaces=_only(workspaces),
    )


async def template(bound: Bound, template_id: str, workspaces: Workspaces) -> Row | None:
    """One template; None: not the asker's."""
    rows = await bound.rows(
        SQL["templates"],
        id=template_id,
        archived=None,
        folder="",
        tag="",
        after="",
        limit=1,
        workspaces=_only(workspaces),
    )
    return _first(rows)


async def versions(bound: Bound, template_id: str, *, before: int, limit: int) -> list[Row]:
    """Published versions below a number, the newest first."""
    return await bound.rows(SQL["versions"], id=template_id, before=before, limit=limit)


async def version(bound: Bound, template_id: str, number: int) -> Row | None:
    """One version with its content's `body`."""
    return _first(await bound.rows(SQL["version"], id=template_id, version=number))
