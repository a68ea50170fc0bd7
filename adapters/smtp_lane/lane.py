"""One lane: the connections from one source address to one next hop, and who waits for them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Protocol, cast

from adapters.smtp_lane.greeting import Unopened, greet, mx_of
from adapters.smtp_lane.options import Options
from adapters.smtp_lane.parcel import Attempt, Parcel
from adapters.smtp_lane.session import Session
from domain.courtesy import Courtesy
from domain.ports import DotJournal, NextHop, Phase, Reply

TURN = 16  # messages of one consignment before the next one's turn
MESSAGES_PER_CONNECTION = 8  # waiting, before another connection is worth its handshake
BARREN_MAX = 3
DEFERRED = 4


class Post(Protocol):
    """Finds the lane for a parcel."""

    def place(self, parcel: Parcel) -> None:
        """Into the lane of its next hop, or to its end when there is none."""
        ...

    def pass_on(self, parcel: Parcel, reply: Reply, *, may_walk: bool) -> None:
        """Take a parcel that its lane could not serve for `reply`, to the next hop if it may."""
        ...


class Lane:
    """Feeds its sessions from the parcels that wait, in turns; opens and closes connections."""

    def __init__(
        self, source: str, hop: NextHop, options: Options, journal: DotJournal, post: Post
    ) -> None:
        self.hop = hop
        self.mx = mx_of(hop)
        self.options = options
        self.journal = journal
        self.sessions: set[Session] = set()
        self._source = source
        self._post = post
        self._queue: deque[Parcel] = deque()
        self._turn = 0
        self._idle: list[Session] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._connections = options.connections
        self.messages_max = options.messages_max  # per connection
        self.barren = 0  # sessions in a row that ended before one message was answered in any
        self._down_until = 0.0

    # ---- for SmtpLanes

    @property
    def empty(self) -> bool:
        """Whether nothing would be lost with the lane."""
        return not (self._queue or self.sessions or self._opening) and not self.down

    @property
    def down(self) -> bool:
        """Whether the hop failed a moment ago and nothing stands to it."""
        return not self.sessions and time.monotonic() < self._down_until

    def mind(self, courtesy: Courtesy | None) -> None:
        """From now on open no more connections than that, nor use one for more messages."""
        if courtesy is not None:
            self._connections = min(self.options.connections, courtesy.connections)
            self.messages_max = min(self.options.messages_max, courtesy.per_connection)

    def requeue(self, parcel: Parcel) -> None:
        """Let a parcel's waiting messages leave here."""
        if not parcel.queued:
            parcel.queued = True
            self._queue.append(parcel)
        self._wake()

    def watch(self, now: float) -> None:
        """Called a few times a second."""
        for session in list(self.sessions):
            session.watch(now)
        if self._queue:
            self._wake()

    def leave(self) -> None:
        """Say QUIT in every session that has no message under way, and once it has none."""
        for session in list(self.sessions):
            session.leave()

    async def abort(self) -> None:
        """Break everything off."""
        for session in list(self.sessions):
            session.abort("closing")
        tasks = list(self._opening)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- for its sessions

    def take(self, *, smtputf8: bool) -> Attempt | None:
        """The next message in turn, or None when none waits."""
        while self._queue:
            parcel = self._queue[0]
            if not parcel.pending:
                self._queue.popleft()
                parcel.queued = False
                self._turn = 0
                continue
            self._turn += 1
            if self._turn >= TURN:
                self._turn = 0
                self._queue.rotate(-1)
            attempt = parcel.take(self.mx, smtputf8=smtputf8)
            if attempt is not None:
                return attempt
        return None

    def idle(self, session: Session) -> None:
        """The session waits for work."""
        self._idle.append(session)

    def withdraw(self, session: Session) -> None:
        """The session waits no more."""
        if session in self._idle:
            self._idle.remove(session)

    def try_again(self, attempt: Attempt, reply: Reply) -> None:
        """Its session broke before the dot: another one may take it, or `reply` is the end."""
        if attempt.parcel.once_more(attempt.index):
            self._post.place(attempt.parcel)
        else:
            attempt.parcel.report(attempt.index, reply)

    def ended(self, session: Session) -> None:
        """The session is gone; what it had under way is told next, then `settle`."""
        self.sessions.discard(session)
        self.withdraw(session)

    def settle(self, session: Session, failure: Reply | None) -> None:
        """Judge the hop by how a session ended, and go on."""
        if failure is not None and not session.served:
            self.barren += 1
            if self.barren >= BARREN_MAX:
                self._give_up(failure)
        self._wake()

    # ---- connections

    def _wake(self) -> None:
        while self._queue and self._idle:
            session = self._idle.pop()
            if not session.start() and session.resting:
                self._idle.append(session)
                break
        standing = len(self.sessions) + len(self._opening)
        if standing and time.monotonic() < self._down_until:
            return
        waiting = sum(len(parcel.pending) for parcel in self._queue)
        wanted = min(self._connections, -(-waiting // MESSAGES_PER_CONNECTION))
        for _ in range(wanted - standing):
            task = asyncio.get_running_loop().create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        try:
            greeted = await greet(self.hop, self._source, self.options)
        except Unopened as unopened:
            self._opening.discard(task)
            self._unopened(unopened.reply)
            return
        session = Session(self, greeted)
        self._opening.discard(task)
        if session.ended:
            self.settle(session, Reply(Phase.EHLO, 0, "connection lost", self.mx))
            return
        self.sessions.add(session)
        if not session.start() and session.resting:
            self.idle(session)

    def _unopened(self, reply: Reply) -> None:
        """Carry on with the connections there are; without any, the hop has failed."""
        self._down_until = time.monotonic() + self.options.down_s
        if not self.sessions and not self._opening:
            self._give_up(reply)

    def _give_up(self, reply: Reply) -> None:
        """Pass everything on. A server that deferred us is not walked around (§7.3)."""
        self.barren = 0
        self._down_until = time.monotonic() + self.options.down_s
        parcels = list(self._queue)
        self._queue.clear()
        for parcel in parcels:
            parcel.queued = False
            self._post.pass_on(parcel, reply, may_walk=reply.code // 100 != DEFERRED)
