"""All lanes of a process: takes consignments, watches deadlines, walks next hops."""

from __future__ import annotations

import asyncio
import time

from adapters.smtp_lane.lane import Lane
from adapters.smtp_lane.options import Options
from adapters.smtp_lane.parcel import Parcel
from domain.outcome_rules import CLOSING, DEADLINE
from domain.ports import Consignment, DotJournal, NextHop, Phase, Reply, Report

WATCH_EVERY_S = 0.1  # how late a timeout may be noticed
QUIT_WAIT_S = 2.0


class SmtpLanes:
    """`domain.ports.Lanes` over SMTP. Lives in one event loop."""

    def __init__(self, journal: DotJournal, options: Options | None = None) -> None:
        self._journal = journal
        self._options = options or Options()
        self._lanes: dict[tuple[str, NextHop, str], Lane] = {}
        self._parcels: set[Parcel] = set()
        self._watch: asyncio.TimerHandle | None = None
        self._closing = False

    async def deliver(self, consignment: Consignment, report: Report) -> None:
        """Attempt each index once and report each exactly once; returns when all are reported.

        What is not settled by the deadline is reported then: undotted with its phase and code 0,
        dotted as phase DOT and code 0. Cancelled, it does the same at once. `report` is called
        from the event loop and must not raise.
        """
        parcel = Parcel(consignment, report, asyncio.get_running_loop().create_future())
        if self._closing:
            parcel.report_pending(Reply(Phase.CONNECT, 0, CLOSING))
        if not parcel.open:
            return
        self._parcels.add(parcel)
        self._keep_watch()
        try:
            self.place(parcel)
            await parcel.done
        finally:
            self._parcels.discard(parcel)
            self._conclude(parcel, CLOSING)

    async def close(self) -> None:
        """Let what is under way end, by its deadlines at the latest; then leave every server."""
        self._closing = True
        if self._parcels:
            await asyncio.wait([parcel.done for parcel in self._parcels])
        for lane in self._lanes.values():
            lane.leave()
        standing = [session.gone for lane in self._lanes.values() for session in lane.sessions]
        if standing:
            await asyncio.wait(standing, timeout=QUIT_WAIT_S)
        for lane in self._lanes.values():
            await lane.abort()
        if self._watch is not None:
            self._watch.cancel()

    # ---- next hops

    def place(self, parcel: Parcel) -> None:
        """Into the lane of the first next hop that did not fail just now, else of the first."""
        hops = parcel.consignment.hops
        rest = range(parcel.position, len(hops))
        up = (at for at in rest if not self._lane(parcel, hops[at]).down)
        parcel.position = next(up, parcel.position)
        if parcel.hop is None:
            parcel.report_pending(parcel.best or Reply(Phase.CONNECT, 0, "no next hop"))
        else:
            self._lane(parcel, parcel.hop).requeue(parcel)

    def pass_on(self, parcel: Parcel, reply: Reply, *, may_walk: bool) -> None:
        """A hop failed: on to the next one, or report the most telling failure."""
        if reply.code or parcel.best is None:
            parcel.best = reply
        parcel.position = parcel.position + 1 if may_walk else len(parcel.consignment.hops)
        self.place(parcel)

    def _lane(self, parcel: Parcel, hop: NextHop) -> Lane:
        courtesy = parcel.consignment.courtesy
        key = (parcel.consignment.source, hop, courtesy.cell if courtesy else "")
        lane = self._lanes.get(key)
        if lane is None:
            lane = Lane(key[0], hop, self._options, self._journal, self)
            self._lanes[key] = lane
        lane.mind(courtesy)
        return lane

    # ---- time

    def _keep_watch(self) -> None:
        if self._watch is None:
            loop = asyncio.get_running_loop()
            self._watch = loop.call_later(WATCH_EVERY_S, self._on_watch)

    def _on_watch(self) -> None:
        now = time.monotonic()
        for parcel in [parcel for parcel in self._parcels if parcel.deadline <= now]:
            self._conclude(parcel, DEADLINE)
        for key, lane in list(self._lanes.items()):
            lane.watch(now)
            if lane.empty:
                del self._lanes[key]
        self._watch = None
        if self._parcels or self._lanes:
            self._keep_watch()

    def _conclude(self, parcel: Parcel, why: str) -> None:
        """Report whatever is open as it stands; no dot of it follows."""
        if not parcel.open:
            return
        parcel.deadline = 0.0
        for lane in list(self._lanes.values()):
            for session in list(lane.sessions):
                session.let_go(parcel, why)
        for index in list(parcel.open):
            parcel.report(index, Reply(Phase.CONNECT, 0, why))
        parcel.pending.clear()
