"""Volume control's rows in Postgres, moved with its decisions in one transaction (ADR 0010)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from eventsourcing.persistence import IntegrityError
from psycopg import AsyncConnection, Connection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from adapters.event_store import EventStore, Followed
from adapters.postgres import named_sql
from domain.event import Event
from domain.governor.advances import VolumeAdvanced
from domain.ids import new_id
from domain.platform import PLATFORM
from streams.columns import columns
from streams.volume.folds import RULES, TenantState
from streams.volume.inputs import Fact
from streams.volume.sifting import Place

SQL = named_sql(Path(__file__).with_name("volume.sql"))
ACTOR = "volume_control"
FIRST_TRY_S = 5.0  # until a signal whose send is not known is looked for again
KEPT_MS = 8 * 86_400_000  # signals, for the sake of those that are told twice


class Overtaken(Exception):  # noqa: N818 - a state of the outside
    """Rows are not as they were read: another worker moved them, or an answer was lost."""


class Unfit(Exception):  # noqa: N818 - says what is wrong and the cure
    """The rows do not belong to this log, this event store or these rules."""


@dataclass(frozen=True)
class Held:
    """A tenant's row: how often it changed, how many events its stream has, and its state."""

    version: int
    told: int
    state: TenantState


@dataclass(frozen=True)
class Looked:
    """A signal that was looked for in the ledger, and whether its send is known."""

    fact: Fact
    found: bool


@dataclass(frozen=True)
class Commit:
    """All that one turn changes. `advanced` None: nothing was folded."""

    moved: Mapping[Place, tuple[int, int]]  # offsets: before, after
    changed: Mapping[str, tuple[Held | None, TenantState, datetime | None]]  # and when it wakes
    decided: Sequence[tuple[str, Event]]  # with their tenant
    looked: Sequence[Looked]
    advanced: VolumeAdvanced | None
    tenants: int  # that were known
    told: int  # VolumeAdvanced of this worker so far


class Store(Protocol):
    """What the control needs of Postgres; each may raise what guard.OUTAGES names."""

    worker: str

    async def open(self, log_ids: Mapping[Place, str]) -> dict[Place, int]:
        """The next offset of each partition. Raises Unfit."""
        ...

    async def told(self) -> int:
        """How many VolumeAdvanced this worker has told."""
        ...

    async def roster(self) -> set[str]:
        """Every tenant that has a state."""
        ...

    async def states(self, tenant_ids: Sequence[str]) -> dict[str, Held]:
        """Their rows, decoded. Raises Unfit for bytes of other rules."""
        ...

    async def due(self, most: int) -> tuple[datetime, list[str]]:
        """The moment, and tenants whose time is up by it."""
        ...

    async def known_signals(self, signals: Sequence[Fact]) -> set[tuple[str, str]]:
        """Those among them that have a row: (tenant, event)."""
        ...

    async def due_signals(self, most: int) -> list[dict[str, Any]]:
        """Signals that are to be looked for again."""
        ...

    async def commit(self, commit: Commit) -> None:
        """All of it or nothing. Raises Overtaken when a row is not as told, Unfit."""
        ...


class PostgresStore:
    """The Store. `pool`: role pm_worker; `events` decides under the same role."""

    def __init__(
        self, pool: AsyncConnectionPool[AsyncConnection[Any]], events: EventStore, worker: str
    ) -> None:
        self._pool, self._events, self.worker = pool, events, worker

    async def open(self, log_ids: Mapping[Place, str]) -> dict[Place, int]:
        """See Store."""
        unmarked = sorted(place for place, log_id in log_ids.items() if not log_id)
        if unmarked:
            raise Unfit(f"partitions without identity: {unmarked}; `penguin up` marks them")
        wanted = [(topic, part, log_id) for (topic, part), log_id in log_ids.items()]
        await self._execute("open_cursors", columns("topics parts log_ids", wanted))
        await self._execute("open_worker", {"worker": self.worker})
        if others := await self._rows("other_rules", {"rules": RULES}):
            raise Unfit(
                f"states are of rules {others[0]['rules']}, this is {RULES}: run"
                " `penguin volume rebuild`, which folds the log anew"
            )
        found = {}
        for row in await self._rows("cursors", {}):
            place = row["topic"], row["part"]
            if row["log_id"] != log_ids.get(place, row["log_id"]):
                raise Unfit(
                    f"volume control was reading log {row['log_id']}, {place[0]}/{place[1]} is of"
                    f" log {log_ids[place]}: restore the one that belongs to the other"
                )
            found[place] = int(row["next_offset"])
        return {place: found[place] for place in log_ids}

    async def told(self) -> int:
        """See Store."""
        (row,) = await self._rows("worker", {"worker": self.worker})
        return int(row["told"])

    async def roster(self) -> set[str]:
        """See Store."""
        return {row["tenant_id"] for row in await self._rows("roster", {})}

    async def states(self, tenant_ids: Sequence[str]) -> dict[str, Held]:
        """See Store."""
        rows = await self._rows("states", {"tenant_ids": list(tenant_ids)})
        return {row["tenant_id"]: _held(row) for row in rows}

    async def due(self, most: int) -> tuple[datetime, list[str]]:
        """See Store."""
        (row,) = await self._rows("due", {"most": most})
        return row["at"], row["tenant_ids"]

    async def known_signals(self, signals: Sequence[Fact]) -> set[tuple[str, str]]:
        """See Store."""
        asked = columns("tenant_ids event_ids", [(s.tenant_id, s.event_id) for s in signals])
        rows = await self._rows("known_signals", asked)
        return {(row["tenant_id"], row["event_id"]) for row in rows}

    async def due_signals(self, most: int) -> list[dict[str, Any]]:
        """See Store."""
        return await self._rows("due_signals", {"most": most})

    async def forget_signals(self) -> None:
        """Drop those that nobody will ask for again."""
        await self._execute("forget_signals", {"kept_ms": KEPT_MS})

    async def now(self) -> datetime:
        """Postgres's clock."""
        (row,) = await self._rows("now", {})
        moment: datetime = row["at"]
        return moment

    async def report(self, lag: int, at: datetime) -> None:
        """Tell how many records are left to read, as of a moment."""
        await self._execute("report", {"reader": ACTOR, "lag": lag, "at": at})

    async def commit(self, commit: Commit) -> None:
        """See Store."""
        rows = _Rows(commit, self.worker)
        try:
            await asyncio.to_thread(self._events.append, rows.followed(), rows.write)
        except IntegrityError as error:
            raise Unfit(
                "the event store has decisions of volume control that its rows know nothing of:"
                " Postgres was restored; run `penguin volume rebuild`"
            ) from error

    async def _rows(self, name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        async with self._pool.connection(timeout=5) as conn:
            cursor = conn.cursor(row_factory=dict_row)
            await cursor.execute(SQL[name], values)
            return await cursor.fetchall()

    async def _execute(self, name: str, values: Mapping[str, Any]) -> None:
        async with self._pool.connection(timeout=5) as conn:
            await conn.execute(SQL[name], values)


def _held(row: Mapping[str, Any]) -> Held:
    if row["rules"] != RULES:
        raise Unfit(f"a state is of rules {row['rules']}, this is {RULES}")
    parts = bytes(row["intake"]), bytes(row["state"]), bytes(row["reputation"])
    return Held(row["version"], row["told"], TenantState.decoded(parts))


class _Rows:
    """A Commit as statements; run again after a lost connection, it finds itself overtaken."""

    def __init__(self, commit: Commit, worker: str) -> None:
        self._commit, self._worker = commit, worker

    def followed(self) -> list[Followed]:
        """The decisions, a stream for each tenant, and then the advance that they came by."""
        commit, advance_id = self._commit, new_id("evt")
        by_tenant: dict[str, list[Event]] = {}
        for tenant_id, event in commit.decided:
            by_tenant.setdefault(tenant_id, []).append(event)
        found = []
        for tenant_id, events in by_tenant.items():
            held, _, _ = commit.changed[tenant_id]
            identified = [(new_id("evt"), event) for event in events]
            version = held.told if held else 0
            context: Any = {"tenant_id": tenant_id, "actor": ACTOR, "causation": advance_id}
            found.append(Followed(f"governor-{tenant_id}", version, identified, context))
        if commit.advanced:
            told = [(advance_id, commit.advanced)]
            context = {"tenant_id": PLATFORM, "actor": ACTOR}
            found.append(Followed(f"volume-{self._worker}", commit.told, told, context))
        return found

    def write(self, conn: Connection[DictRow]) -> None:
        """The rows. Raises Overtaken."""
        commit = self._commit
        if commit.advanced is None:
            conn.execute(SQL["hurry"])
        else:
            row = conn.execute(SQL["hold_roster"]).fetchone()
            _require(row is not None and row["tenants"] == commit.tenants, "roster")
            self._done(conn, "tell", {"worker": self._worker, "told": commit.told}, 1)
        if commit.moved:
            moved = [(*place, *offsets) for place, offsets in commit.moved.items()]
            self._done(conn, "move", columns("topics parts olds news", moved), len(moved))
        self._write_states(conn)
        if commit.looked:
            kept = [_signal_row(one) for one in commit.looked]
            names = "tenant_ids event_ids kinds send_ids parts offs at_mss founds"
            self._done(
                conn, "keep_signals", columns(names, kept) | {"first_s": FIRST_TRY_S}, len(kept)
            )

    def _write_states(self, conn: Connection[DictRow]) -> None:
        told: dict[str, int] = {}
        for tenant_id, _ in self._commit.decided:
            told[tenant_id] = told.get(tenant_id, 0) + 1
        new, old = [], []
        for tenant_id, (held, state, wakes_at) in sorted(self._commit.changed.items()):
            row = (told.get(tenant_id, 0), *state.encoded(), wakes_at)
            if held is None:
                new.append((tenant_id, *row))
            else:
                old.append((tenant_id, held.version, *row))
        rest = "tolds intakes states reputations wakes"
        if old:
            changed = columns(f"tenant_ids versions {rest}", old) | {"rules": RULES}
            self._done(conn, "change", changed, len(old))
        if new:
            added = columns(f"tenant_ids {rest}", new) | {"rules": RULES}
            self._done(conn, "add", added, len(new))

    @staticmethod
    def _done(conn: Connection[DictRow], name: str, values: dict[str, Any], wanted: int) -> None:
        row = conn.execute(SQL[name], values).fetchone()
        _require(row is not None and row["done"] == wanted, name)


def _require(holds: bool, what: str) -> None:  # noqa: FBT001 - what is asked
    if not holds:
        raise Overtaken(what)


def _signal_row(looked: Looked) -> tuple[Any, ...]:
    fact = looked.fact
    event: Any = fact.event
    return (
        *(fact.tenant_id, fact.event_id, event.event_type.name, event.send_id),
        *(fact.partition, fact.offset, fact.at_ms, looked.found),
    )


def moment(at_s: int | None) -> datetime | None:
    """A second as a row tells it."""
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC)
