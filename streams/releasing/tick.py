"""The releaser: each tick lets due sends go, and keeps what it let go before in order.

Backed by rows: a tick that dies between commit and produce leaves a release that was never told,
which the next one tells under the same id, without a second charge.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog

from adapters.kafka_log import Draft
from domain.ids import deriver
from domain.ports import EventLog
from projections.fold import Connection
from streams.releasing import hours, records, rows, volume
from streams.releasing.bounds import Campaign
from streams.releasing.gate import Gate
from streams.releasing.picking import Deficits, Pick, pick
from streams.releasing.reach import reach
from streams.releasing.rows import SQL, Moment, Released
from streams.schedule import store

log = structlog.get_logger(__name__)

ENDINGS_MAX = 500  # waiting rows that one turn of housekeeping ends
HELD_TICKS = 20  # for nothing, in a row: what waits is held

Connect = Callable[[], Awaitable[Connection]]


@dataclass(frozen=True)
class Pace:
    """How the releaser works; units are in the names."""

    id_key: str
    lease_s: float = 15.0
    lane_depth_sends: int = 4000
    freshness_max_s: float = 10.0
    housekeep_every_s: float = 0.25
    rest_s: float = 0.0  # while nothing waits, unless the schedule calls
    held_rest_s: float = 0.0  # while what waits is held


class Releaser:
    """Call `tick` again and again. One releaser is active (advisory lock), others stand by."""

    def __init__(self, connect: Connect, event_log: EventLog, gate: Gate, pace: Pace) -> None:
        self._connect = connect
        self._log = event_log
        self._gate = gate
        self._pace = pace
        self._release_id = deriver(pace.id_key.encode(), "rel")
        self._event_id = deriver(pace.id_key.encode(), "evt")
        self._conn: Connection | None = None
        self._leads = False
        self._housekeep_at = 0.0
        self._rest_until = 0.0
        self._for_nothing = 0  # ticks in a row that released nothing

    async def tick(self) -> int:
        """Release what may leave now and tell the lanes; how many sends that was.

        Raises what Postgres and Kafka raise when they are away; the next tick connects again, and
        goes through the gate again.
        """
        try:
            conn = await self._active()
            if conn is None or await self._rests(conn) or not await self._gate.passed(conn):
                return 0
            if time.monotonic() >= self._housekeep_at:
                await self.keep_house(conn)
                self._housekeep_at = time.monotonic() + self._pace.housekeep_every_s
            return await self._release(conn)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            await self.close()
            raise

    async def close(self) -> None:
        """Give up the lock and the connection."""
        conn, self._conn, self._leads = self._conn, None, False
        self._gate.reconnected()
        if conn is not None:
            await conn.close()

    async def _active(self) -> Connection | None:
        """The connection, once this releaser is the active one."""
        if self._conn is None:
            self._conn = await self._connect()
            if self._pace.rest_s:
                await self._conn.execute(SQL["listen"])
            self._rest_until = 0.0
        if not self._leads:
            row = await (await self._conn.execute(SQL["lead"])).fetchone()
            self._leads = bool(row and row[0])
        return self._conn if self._leads else None

    async def _rests(self, conn: Connection) -> bool:
        """Whether there is no reason to look yet. A call that was missed costs one rest."""
        if not self._pace.rest_s:
            return False
        called = [call async for call in conn.notifies(timeout=0)]  # always: they would pile up
        return not called and time.monotonic() < self._rest_until

    def _rest(self, released: int, *, waits: bool) -> None:
        self._for_nothing = 0 if released else self._for_nothing + 1
        held_s = self._pace.held_rest_s if self._for_nothing > HELD_TICKS else 0.0
        self._rest_until = time.monotonic() + (held_s if waits else self._pace.rest_s)

    # ---- releasing

    async def _release(self, conn: Connection) -> int:
        async with conn.transaction():
            moment, campaigns = await self._ready(conn)
            if moment is None:
                return 0
            found = [Campaign(*row) for row in campaigns]
            running = {
                one.campaign_id: one for one in found if one.state == "running" and one.may_send
            }
            made = await self._choose(conn, moment, running) if running else []
        if made:
            lease_until = moment.lease_until(self._pace.lease_s)
            await self._tell([records.released(one, lease_until, self._event_id) for one in made])
            await self._produced(conn, [one.release_id for one in made])
        released = sum(one.size for one in made)
        self._rest(released, waits=bool(campaigns))
        return released

    async def _ready(self, conn: Connection) -> tuple[Moment | None, Sequence[tuple[Any, ...]]]:
        """Postgres's time and the campaigns with anything waiting; None: nothing may leave."""
        await conn.execute(store.SQL["lock"])
        async with conn.pipeline():
            state = await conn.execute(SQL["now"], {"freshness_max_s": self._pace.freshness_max_s})
            campaigns = await conn.execute(SQL["campaigns"])
        now, is_open, is_fresh = await state.fetchone() or (None, False, False)
        if now is None or not (is_open and is_fresh):
            return None, ()
        return Moment(now), await campaigns.fetchall()

    async def _choose(
        self, conn: Connection, moment: Moment, running: dict[str, Campaign]
    ) -> list[Released]:
        depth = self._pace.lane_depth_sends
        open_at = await hours.read(conn, moment.now, running)
        running = {name: one for name, one in running.items() if not open_at.shut(name)}
        bounds, others = await volume.bounds(conn, moment.now, moment.today, running)
        ips = {ip for one in running.values() for ip in one.ips}
        ips |= {ip for found in others.values() for ip in found}
        allowed, rules, left = await rows.allowance(conn, moment, sorted(ips), depth, bounds)
        usable, wider = reach(allowed, running, others)
        if not usable:
            return []
        elsewhere = open_at.shut_zones()
        waiting = await rows.due(conn, moment, usable, rules, left, depth, wider, elsewhere)
        if not waiting:
            return []
        before = await rows.fill(conn, moment, allowed, rules, waiting)
        owed: Deficits = dict(before)
        picks = pick(waiting, allowed, owed)
        made = await self._made(conn, picks)
        async with conn.pipeline():
            await rows.save_deficits(conn, before, owed)
            if made:
                until = moment.lease_until(self._pace.lease_s)
                await rows.save(conn, moment, made, until, "released")
        if made:
            await hours.bind(conn, open_at, made)
            await rows.charge(conn, moment, picks, allowed)
        return made

    async def _made(self, conn: Connection, picks: Sequence[Pick]) -> list[Released]:
        parts = [(one.row, one.mask) for one in picks]
        ids = await rows.numbered(conn, parts, self._release_id) if parts else []
        return [
            Released(release_id, number, one.row, one.mask, one.ip, one.cap_per_day, one.uses)
            for one, (release_id, number) in zip(picks, ids, strict=True)
        ]

    # ---- keeping in order

    async def keep_house(self, conn: Connection) -> None:
        """Withdraw what must not leave, end what waits in vain, tell again what nobody claimed."""
        async with conn.transaction():
            moment, _ = await self._ready(conn)
            if moment is None:
                return
            until = moment.lease_until(self._pace.lease_s)
            withdrawn = await rows.rows_of(conn, "withdraw", now=moment.now, today=moment.today)
            await self._end(conn, moment)
            stamp = {"now": moment.now, "lease_until": until}
            renewed = await rows.rows_of(conn, "renew", **stamp)
            endings = await rows.rows_of(conn, "untold_endings", **stamp)
        if withdrawn[0][0]:
            log.info("releases_withdrawn", releases=withdrawn[0][0], sends=withdrawn[0][1])
        drafts = [records.renewed(row, self._event_id) for row in renewed]
        drafts += [records.ended(row, self._event_id) for row in endings]
        if drafts:
            await self._tell(drafts)
            await self._produced(conn, [row[0] for row in (*renewed, *endings)])

    async def _end(self, conn: Connection, moment: Moment) -> None:
        """Waiting sends of cancelled campaigns, and those out of time, become endings."""
        campaigns = await rows.rows_of(conn, "campaigns")
        cancelled = [campaign_id for campaign_id, state, *_ in campaigns if state == "cancelled"]
        found = await rows.endings(conn, moment, cancelled, ENDINGS_MAX)
        if not found:
            return
        ids = await rows.numbered(conn, [(row, row.mask) for row, *_ in found], self._release_id)
        made = [
            Released(release_id, number, row, row.mask, outcome=outcome, reason=reason)
            for (row, outcome, reason), (release_id, number) in zip(found, ids, strict=True)
        ]
        await rows.save(conn, moment, made, moment.now, "ending")

    async def _tell(self, drafts: list[Draft]) -> None:
        await self._log.append(drafts)

    async def _produced(self, conn: Connection, release_ids: list[str]) -> None:
        async with conn.transaction():
            await conn.execute(store.SQL["lock"])
            await conn.execute(SQL["produced"], {"release_ids": release_ids})
