"""The statistics part of the ledger's fold: signals as rows, counters that move with the ledger.

Tables of it belong to the read model `send_ledger` and are rebuilt with it. Signals count under the
IP that their send has: when rows move to another, theirs move along.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from domain.event import Recorded, Topic
from projections.fold import Connection
from projections.send_stats import signals
from projections.send_stats.deltas import Cell, Deltas, Told
from projections.send_stats.signals import HANDLES
from projections.versions import versioned

__all__ = ["HANDLES", "Stats"]
Batches = Collection[tuple[str, str]]  # (tenant_id, batch_id)


class Stats:
    """Signals and counters at one version of their tables."""

    def __init__(self, version: int) -> None:
        self._sql = versioned(Path(__file__).parent / "project.sql", version)

    @asynccontextmanager
    async def shifting(
        self, conn: Connection, batches: Batches, deltas: Deltas
    ) -> AsyncIterator[None]:
        """What happens within may give sends of these batches another IP: their signals follow."""
        keys = _batch_keys(batches)
        before = await self._told(conn, "of_batches", keys)
        yield
        if before:
            deltas.tell(before, -1)
            deltas.tell(await self._told(conn, "of_batches", keys))

    async def hear(
        self, conn: Connection, records: Sequence[Recorded], planned: Batches, deltas: Deltas
    ) -> None:
        """Keep signals, each once; those that came before their batch's plan count from now on."""
        told = [signal for record in records if (signal := signals.told_by(record))]
        if told:
            rows = await conn.execute(self._sql["known_kinds"], _send_keys(told))
            firsts = signals.firsts(told, set(await rows.fetchall()))
            deltas.tell(await self._told(conn, "keep", _signal_columns(told, firsts)))
        if planned and await self._any_early(conn):
            deltas.tell(await self._told(conn, "adopt", _batch_keys(planned)))

    async def add(self, conn: Connection, deltas: Deltas) -> None:
        """Move the counters by what a poll added up to."""
        if cells := {key: sends for key, sends in deltas.cells.items() if sends}:
            await self._execute(conn, "add", "tidy", _cell_columns(cells), cells)
        if reasons := {key: sends for key, sends in deltas.reasons.items() if sends}:
            names = ("tenants", "days", "campaigns", "states", "providers", "reasons", "codes")
            await self._execute(conn, "reasons", "tidy_reasons", _columns(names, reasons), reasons)
        if used := {key: sends for key, sends in deltas.used.items() if sends}:
            await self._execute(
                conn, "use", "tidy_use", _columns(("tenants", "periods"), used), used
            )

    async def _execute(
        self,
        conn: Connection,
        add: str,
        tidy: str,
        columns: Mapping[str, Any],
        by: Mapping[Any, int],
    ) -> None:
        await conn.execute(self._sql[add], columns)
        if min(by.values()) < 0:
            await conn.execute(self._sql[tidy], columns)

    async def _told(self, conn: Connection, query: str, values: Mapping[str, Any]) -> list[Told]:
        rows = await conn.execute(self._sql[query], values)
        return [Told(*row) for row in await rows.fetchall()]

    async def _any_early(self, conn: Connection) -> bool:
        row = await (await conn.execute(self._sql["early"])).fetchone()
        return bool(row and row[0])


def _batch_keys(batches: Batches) -> dict[str, list[str]]:
    return {"tenants": [key[0] for key in batches], "batches": [key[1] for key in batches]}


def _send_keys(told: Sequence[signals.Signal]) -> dict[str, list[str]]:
    return {
        "tenants": [signal.tenant_id for signal in told],
        "send_ids": [signal.send_id for signal in told],
    }


def _signal_columns(told: Sequence[signals.Signal], firsts: list[bool]) -> dict[str, list[Any]]:
    plain = ("event_id", "kind", "at", "reason", "code", "enhanced", "part", "off")
    columns = {f"{name}s": [getattr(signal, name) for signal in told] for name in plain}
    return {
        **columns,
        **_send_keys(told),
        "firsts": firsts,
        "topics": [Topic.SIGNALS.value] * len(told),
    }


def _cell_columns(cells: Mapping[Cell, int]) -> dict[str, list[Any]]:
    names = ("tenants", "campaigns", "buckets", "metrics", "steps", "providers", "ips")
    return _columns(names, cells)


def _columns(names: Sequence[str], counted: Mapping[Any, int]) -> dict[str, list[Any]]:
    columns = [list(column) for column in zip(*counted, strict=True)]
    return dict(zip(names, columns, strict=True)) | {"sends": list(counted.values())}
