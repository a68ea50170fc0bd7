"""Takes hints, claims their releases, runs them side by side within bounds; drains at the end."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable

import structlog

from domain.sending import SliceReleased
from streams.dispatching.cells import Cell
from streams.dispatching.claim import Claims, Release, Slice
from streams.dispatching.outcomes import Finding
from streams.dispatching.slice import Sending, SliceRun
from streams.guard import OUTAGES

CLAIM_AGAIN_AFTER_S = 0.25
#: After SIGTERM slices go on; then no further dot; then replies are awaited no longer.
DRAIN_DOTS_S, DRAIN_MAX_S = 12.0, 25.0

log = structlog.get_logger(__name__)


class Room:
    """How many slices and sends a process has in flight. First come, first served."""

    def __init__(self, slices_max: int, sends_max: int) -> None:
        self._slices_max, self._sends_max = slices_max, sends_max
        self._slices = self._sends = 0
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    async def enter(self, sends: int) -> None:
        """Wait for room. One slice larger than all room enters alone."""
        async with self._turn:
            while self._slices and self._is_full(sends):
                self._freed.clear()
                await self._freed.wait()
            self._slices += 1
            self._sends += sends

    def leave(self, sends: int) -> None:
        """Give the room back."""
        self._slices -= 1
        self._sends -= sends
        self._freed.set()

    def _is_full(self, sends: int) -> bool:
        return self._slices >= self._slices_max or self._sends + sends > self._sends_max


class Dispatcher:
    """From a hint to the last outcome. A hint that is lost or late costs a lease, nothing else."""

    def __init__(
        self,
        claims: Claims,
        sending: Sending,
        room: Room,
        *,
        slice_deadline_s: float,
        ask_to_stop: Callable[[], None] = lambda: signal.raise_signal(signal.SIGTERM),
    ) -> None:
        self._claims, self._sending, self._room = claims, sending, room
        self._slice_deadline_s, self._ask_to_stop = slice_deadline_s, ask_to_stop
        self._running: dict[str, asyncio.Task[None]] = {}
        self._cells: dict[tuple[str, str], Cell] = {}
        self._known: set[str] = set()  # releases whose hint waits or is worked on
        self._stopping = False
        self._cut_short = asyncio.Event()

    async def take(self, hint: SliceReleased) -> None:
        """Start on the hint's release once its cell has room; does not wait for that.

        What waits is bounded: the releaser lets only so many sends be unclaimed per lane. Where the
        dot journal failed nothing can be sent in this life: the process asks to be ended.
        """
        if self._sending.dots.broken and not self._stopping:
            log.critical("dot_journal_broken")
            self._stopping = True
            self._ask_to_stop()
        if self._stopping or hint.release_id in self._known:
            return
        self._known.add(hint.release_id)
        cell = self._cells.setdefault((hint.ip, hint.provider), Cell())
        cell.wait(hint)
        self._pump(cell)

    def _pump(self, cell: Cell) -> None:
        while not self._stopping and (hint := cell.next()) is not None:
            task = asyncio.create_task(self._run(hint, cell))
            self._running[hint.release_id] = task
            task.add_done_callback(_told)

    async def drain(self) -> None:
        """Claim nothing more, let slices end, and return when all their outcomes are in the log."""
        self._stopping = True
        for cell in self._cells.values():
            cell.forget()
        log.info("dispatcher_drains", slices=len(self._running))
        if not await self._ended_within(DRAIN_DOTS_S):
            self._sending.dots.forbid()
            if not await self._ended_within(DRAIN_MAX_S - DRAIN_DOTS_S):
                self._cut_short.set()
                await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _ended_within(self, seconds: float) -> bool:
        if self._running:
            await asyncio.wait(self._running.values(), timeout=seconds)
        return not self._running

    async def _run(self, hint: SliceReleased, cell: Cell) -> None:
        left = hint.size

        def found(finding: Finding) -> None:
            nonlocal left
            left -= 1
            if finding.phase:
                cell.took(1)
            else:
                cell.give_back(1)
            self._pump(cell)

        try:
            async with self._in_room(hint):
                if not self._stopping and (taken := await self._claimed(hint)):
                    await SliceRun(self._sending, taken, found).bring(self._cut_short)
        finally:
            cell.give_back(left)
            self._pump(cell)

    @contextlib.asynccontextmanager
    async def _in_room(self, hint: SliceReleased) -> AsyncIterator[None]:
        await self._room.enter(hint.size)
        try:
            yield
        finally:
            self._room.leave(hint.size)
            self._known.discard(hint.release_id)
            del self._running[hint.release_id]

    async def _claimed(self, hint: SliceReleased) -> Slice | None:
        """Claim; while Postgres is away, again with the same token, which changes nothing.

        When an answer got lost, the claim may have been won: then it is ours to conclude even
        where it may not be sent any more.
        """
        token = secrets.token_hex(16)
        end = time.monotonic() + self._slice_deadline_s
        unsure = False
        while time.monotonic() < end:
            try:
                taken = await self._claims.take(hint, token)
                if taken is not None or not unsure:
                    return taken
                owned = await self._claims.owned(hint, token)
                return _unsendable(owned) if owned else None
            except OUTAGES as error:
                log.warning("claim_waits", release_id=hint.release_id, error=repr(error))
                unsure = True
                await asyncio.sleep(CLAIM_AGAIN_AFTER_S)
        return None


def _unsendable(release: Release) -> Slice:
    """A slice of which nothing may leave: its sends are deferred by a fault of our own."""
    return Slice(release, recipients=[], renderer=None, deadline=0.0)


def _told(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("slice_lost", error=repr(task.exception()))
