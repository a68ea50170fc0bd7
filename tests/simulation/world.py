"""A pipeline in one database: readers, releaser, sweeper, dispatchers, each moved step by step."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random

from aiokafka import TopicPartition

from adapters import dot_journal
from adapters.kafka_log import Draft, LogUnavailable
from projections import cursors, models
from projections.fold import Connection, Fold
from projections.session import Session
from streams.releasing.gate import Gate, Memory
from streams.releasing.tick import Pace, Releaser
from streams.schedule.fold import ScheduleFold
from streams.sweeping import sweep
from tests.schedule_kit import ID_KEY
from tests.simulation import connections
from tests.simulation.clock import Clock
from tests.simulation.life import Life, settings
from tests.simulation.log import LOG_ID, SimConsumer, SimLog
from tests.simulation.loop import SimLoop
from tests.simulation.wire import Wire

LANES = ("pm.due.high", "pm.due.normal", "pm.due.low")
RETRY_SCALE = 1 / 100


class Crash(Exception):  # noqa: N818 - what the world does to a process
    """The process that called ends here."""


@dataclass
class FaultyLog:
    """The releaser's and the sweeper's way into the log; `fault` befalls the next append."""

    log: SimLog
    fault: str = ""  # lost, unacknowledged, crash_before, crash_after; once

    async def append(self, drafts: Sequence[Draft], timeout_s: float = 30.0) -> None:
        assert timeout_s > 0
        fault, self.fault = self.fault, ""
        if fault not in {"lost", "crash_before"}:
            self.log.store(drafts)
        if fault in {"crash_before", "crash_after"}:
            raise Crash
        if fault:
            raise LogUnavailable(fault)


@dataclass
class ReaderOf:
    """A reader of the log at work, between two crashes."""

    fold: Fold
    session: Session | None = None

    @property
    def consumer(self) -> SimConsumer:
        assert self.session is not None
        consumer: SimConsumer = self.session.consumer
        return consumer


@dataclass
class World:
    """Everything there is. Steps are methods; who calls them, and when, is the nemesis's matter."""

    dsn: str
    dice: Random
    folder: Path
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        hour = self.dice.choice((12, 23))  # a day may end soon
        self.clock = Clock(datetime(2026, 3, 1, hour, 58, tzinfo=UTC))
        self.log, self.wire = SimLog(self.clock), Wire(self.dice)
        self.loop = SimLoop(self.clock)
        self.owner = connections.owner(self.dsn)
        self.lives: dict[str, Life] = {}
        self.faulty = FaultyLog(self.log)
        self.lane_offsets: dict[TopicPartition, int] = {
            place: 0 for place in self.log.parts if place.topic in LANES
        }
        self._lives_made = 0
        self.restart_postgres()
        self._wipe()
        self.schedule = ReaderOf(ScheduleFold(id_key=ID_KEY, retry_scale=RETRY_SCALE))
        self.memory = Memory(self.folder / "gate.json")
        self.releaser = self._releaser()
        self.sweeper: Connection | None = None

    # ---- time

    def pass_time(self, seconds: float) -> None:
        """Let all clocks go on, and wake who waited for that."""
        self.clock.passed_s += seconds
        self.owner.execute("UPDATE sim.moment SET at = %(now)s", self._moment())
        for life in list(self.lives.values()):
            life.run()

    def restart_postgres(self) -> None:
        """The server starts anew: another incarnation. Who knows it keeps its connection here."""
        self.owner.execute("UPDATE sim.moment SET at = %(now)s, started = %(now)s", self._moment())

    def _moment(self) -> dict[str, datetime]:
        return {"now": self.clock.now()}

    # ---- the schedule

    def read(self, reader: ReaderOf, offered: dict[TopicPartition, int], *, crash: bool) -> None:
        """A poll; `crash`: the process ends before it could commit."""
        session = self._session(reader)
        reader.consumer.offered = offered
        if crash:
            with suppress(Crash):
                self.loop.finish(_uncommitted(session))
            self.close_reader(reader)
        else:
            self.loop.finish(session.step())

    def report(self, reader: ReaderOf) -> None:
        """Tell how fresh it is."""
        self.loop.finish(self._session(reader).report())

    def close_reader(self, reader: ReaderOf) -> None:
        """The reader's process ends; another reads on from the cursors."""
        if reader.session:
            self.loop.finish(reader.session.conn.close())
        reader.session = None

    def behind(self, reader: ReaderOf) -> list[TopicPartition]:
        """Partitions with records that it has not read."""
        self._session(reader)
        return reader.consumer.behind()

    def _session(self, reader: ReaderOf) -> Session:
        if reader.session is None:
            reader.session = self.loop.finish(self._opened(reader.fold))
        return reader.session

    async def _opened(self, fold: Fold) -> Session:
        conn = await connections.connect(self.dsn, "pm_projector")
        places = cursors.partitions_of(fold.topics)
        positions = await cursors.open_at(conn, fold.reader, dict.fromkeys(places, LOG_ID))
        offsets = {place: positions[place].next_offset for place in places}
        return Session(fold, conn, None, "", SimConsumer(self.log, offsets), positions)

    # ---- release and sweep

    def _releaser(self) -> Releaser:
        deadline_s, stack_id = settings().slice_deadline_s, settings().stack_id
        gate = Gate(self.log, slice_deadline_s=deadline_s, memory=self.memory, stack_id=stack_id)
        connect = partial(connections.connect, self.dsn, "pm_release")
        return Releaser(connect, self.faulty, gate, Pace(id_key=ID_KEY, lane_depth_sends=12))

    def tick(self, fault: str = "") -> None:
        """A tick of the releaser; `fault` befalls what it appends."""
        self.faulty.fault = fault
        try:
            with suppress(LogUnavailable):
                self.loop.finish(self.releaser.tick())
        except Crash:
            self.loop.finish(self.releaser.close())
            self.memory = Memory(self.folder / "gate.json")
            self.releaser = self._releaser()
        self.faulty.fault = ""

    def sweep(self, fault: str = "") -> None:
        """One sweep."""
        self.faulty.fault = fault
        with suppress(LogUnavailable, Crash):
            self.loop.finish(self._swept())
        self.faulty.fault = ""

    async def _swept(self) -> None:
        if self.sweeper is None:
            self.sweeper = await connections.connect(self.dsn, "pm_release")
        inspect = partial(dot_journal.inspect, self.folder)
        await sweep(self.sweeper, self.faulty, self.log, inspect, id_key=ID_KEY, patience_s=0.0)

    # ---- dispatchers

    def start_life(self) -> Life:
        """Another dispatcher process."""
        self._lives_made += 1
        name = f"dispatcher-{self._lives_made}"
        made = self.lives[name] = Life(name, self.dsn, self.log, self.wire, self.folder)
        return made

    def kill(self, life: Life, *, with_machine: bool = False) -> None:
        """End it as by kill -9. What its producer had under way may have arrived just before."""
        for held in list(life.held):
            if held.kind in {"started", "outcomes"} and self.dice.random() < 0.5:
                self.log.store(held.what)
        life.kill(with_machine=with_machine)
        del self.lives[life.name]

    def hints(self) -> list[TopicPartition]:
        """Lanes with hints that no dispatcher got yet."""
        return [place for place, at in self.lane_offsets.items() if at < len(self.log.parts[place])]

    def deliver_hint(self, place: TopicPartition, life: Life, *, moves: bool = True) -> None:
        """The next hint of a lane; where it does not move, another process gets it once more."""
        at = self.lane_offsets[place]
        if moves:
            self.lane_offsets[place] += 1
        life.hint(self.log.parts[place][at])

    # ---- the end of a world

    def close(self) -> None:
        """Let go of everything."""
        for life in list(self.lives.values()):
            life.kill(with_machine=False)
        self.close_reader(self.schedule)
        self.loop.finish(self.releaser.close())
        if self.sweeper:
            self.loop.finish(self.sweeper.close())
        self.loop.close()

    def ledger(self) -> ReaderOf:
        """A reader of the ledger, at the log's beginning."""
        return ReaderOf(models.MODELS["send_ledger"].fold(1))

    def lose_postgres(self) -> None:
        """Postgres comes back from nothing: what is pending is to be read from the log again.

        The vault is restored from elsewhere, so it stays.
        """
        self.close_reader(self.schedule)
        self.restart_postgres()
        self._wipe_pipeline()

    def _wipe(self) -> None:
        self._wipe_pipeline()
        self.owner.execute("SELECT sim.empty_vault()")

    def _wipe_pipeline(self) -> None:
        self.owner.execute("SELECT sim.empty_pipeline()")


async def _uncommitted(session: Session) -> None:
    async with session.conn.transaction():
        await session.step()
        raise Crash
