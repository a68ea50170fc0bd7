"""`StreamRuntime` on aiokafka alone: one consumer, one task an agent, offsets of what is done.

An agent whose queue is full is asked for no more records; heartbeats go on in a task of their own,
so that a slow step costs no partition.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError

from adapters.settings import Settings
from domain.event import Topic
from streams import runtime
from streams.runtime import Drain, Step, Work

QUEUED_MAX = 2000  # records of an agent that wait in this process
POLL_MS = 500
FETCH_BYTES = 4 << 20  # of a partition at a time: the largest record (kafka/topics.toml)
#: A step under way when partitions move is given so long; others wait for us meanwhile.
REVOKED_STEP_MAX_S = 20.0
#: Kafka refuses to let us read, say while members of another runtime are in the group yet.
REFUSED_PAUSE_S, REFUSED_MAX_S = 0.5, 30.0
CANCEL_AGAIN_S = 1.0
YIELD_EVERY = 50  # records; a step that never waits would keep everybody else from running
NOWHERE = TopicPartition("-", 0)  # asked for records of this one, the consumer tells its troubles

log = structlog.get_logger(__name__)


class _Agent:
    """A step, the records that wait for it, and whether it is at one."""

    def __init__(self, topics: Sequence[str], name: str, step: Step) -> None:
        self.topics, self.name, self.step = topics, name, step
        self.waiting: deque[Any] = deque()
        self.woken = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()

    @property
    def full(self) -> bool:
        return len(self.waiting) >= QUEUED_MAX

    def take(self, records: Iterable[Any]) -> None:
        """Queue what was read."""
        self.waiting.extend(records)
        self.woken.set()

    async def next(self) -> Any:
        """The next record; from then on not idle."""
        while not self.waiting:
            self.woken.clear()
            await self.woken.wait()
        self.idle.clear()
        return self.waiting.popleft()


class PlainRuntime(ConsumerRebalanceListener):  # type: ignore[misc]
    """See the port."""

    def __init__(self, role: str, settings: Settings) -> None:
        self._settings = settings
        self._group = runtime.group_of(settings.prefix, role)
        self._agents: list[_Agent] = []
        self._works: list[tuple[str, Work]] = []
        self._drains: list[Drain] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._crashed = asyncio.Event()
        self._consumer: Any = None
        self._assigned = asyncio.Event()
        self._room = asyncio.Event()
        self._stopping = False
        self._life = 0  # of the assignment; a step that outlives it counts nothing
        self._done: dict[TopicPartition, int] = {}  # where to go on, of partitions that moved

    def agent(self, topics: Sequence[Topic], name: str, step: Step) -> None:
        """See the port."""
        names = [self._settings.prefix + topic.value for topic in topics]
        self._agents.append(_Agent(names, name, step))

    def every(self, seconds: float, what: str, turn: Work) -> None:
        """See the port."""
        self._works.append((what, partial(_ticking, seconds, turn)))

    def beside(self, work: Work) -> None:
        """See the port."""
        self._works.append(("beside", work))

    def before_stop(self, drain: Drain) -> None:
        """See the port."""
        self._drains.append(drain)

    async def start(self) -> None:
        """See the port."""
        if self._agents:
            self._consumer = _consumer(self._group, self._settings)
            await self._consumer.start()
            topics = [topic for agent in self._agents for topic in agent.topics]
            self._consumer.subscribe(topics, listener=self)
            self._spawn("fetching", self._fetching)
            self._spawn("committing", self._committing)
            await self._assigned.wait()
        for agent in self._agents:
            self._spawn(agent.name, partial(self._attending, agent))
        for what, work in self._works:
            self._spawn(what, work)

    async def ended(self) -> None:
        """See the port."""
        await self._crashed.wait()

    async def stop(self) -> None:
        """See the port."""
        for drain in self._drains:
            await drain()
        self._stopping = True
        self._forget_waiting()
        await asyncio.gather(*(agent.idle.wait() for agent in self._agents))
        tasks, self._tasks = self._tasks, set()
        while tasks:  # a library may swallow a cancel
            for task in tasks:
                task.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=CANCEL_AGAIN_S)
        if self._consumer:
            await self._commit()
            await self._consumer.stop()

    def _spawn(self, what: str, work: Work) -> None:
        task = asyncio.ensure_future(work())
        task.set_name(what)
        self._tasks.add(task)
        task.add_done_callback(self._check)

    def _check(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("runtime_crashed", task=task.get_name(), exc_info=error)
            self._crashed.set()

    # ---- records in

    async def _fetching(self) -> None:
        """Ask for records of agents that have room, until cancelled. Raises what does not pass."""
        refused_since = 0.0
        while True:
            try:
                await self._fetch()
                refused_since = 0.0
            except KafkaError as error:
                refused_since = refused_since or time.monotonic()
                if time.monotonic() - refused_since > REFUSED_MAX_S:
                    raise
                log.warning("kafka_refuses", error=repr(error))
                await asyncio.sleep(REFUSED_PAUSE_S)

    async def _fetch(self) -> None:
        hungry = {
            topic: agent for agent in self._agents if not agent.full for topic in agent.topics
        }
        places = [place for place in self._consumer.assignment() if place.topic in hungry]
        if self._stopping or not places:
            await self._until_room()
            places = [NOWHERE]
        found = await self._consumer.getmany(
            *places, timeout_ms=0 if places == [NOWHERE] else POLL_MS, max_records=QUEUED_MAX
        )
        if not self._stopping:  # no wait since: these are of the present assignment
            for place, records in found.items():
                hungry[place.topic].take(records)

    async def _until_room(self) -> None:
        self._room.clear()
        with suppress(TimeoutError):  # wait_for of Python 3.11 may swallow a cancel (gh-86296)
            async with asyncio.timeout(POLL_MS / 1000):
                await self._room.wait()

    # ---- steps

    async def _attending(self, agent: _Agent) -> None:
        count = 0
        while True:
            record = await agent.next()
            life = self._life
            await runtime.surely(agent.step, record)
            if life == self._life:
                self._done[TopicPartition(record.topic, record.partition)] = record.offset + 1
            agent.idle.set()
            if not agent.full:
                self._room.set()
            count += 1
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    # ---- partitions come and go

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Begin nothing more, finish what is under way, and say how far we are."""
        self._forget_waiting()
        if given_up := len(list(revoked)):
            log.info("partitions_revoked", partitions=given_up)
            ending = asyncio.gather(*(agent.idle.wait() for agent in self._agents))
            try:
                await asyncio.wait_for(ending, REVOKED_STEP_MAX_S)
            except TimeoutError:
                log.warning("step_outlives_its_partition", after_s=REVOKED_STEP_MAX_S)
            await self._commit()
        self._life += 1
        self._done.clear()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Records come now, from where the group stands."""
        log.info("partitions_assigned", partitions=len(list(assigned)))
        self._assigned.set()

    def _forget_waiting(self) -> None:
        for agent in self._agents:
            agent.waiting.clear()

    # ---- how far we are

    async def _committing(self) -> None:
        while True:
            await asyncio.sleep(runtime.COMMIT_EVERY_S)
            await self._commit()

    async def _commit(self) -> None:
        """Tell Kafka what is done. Refused, it is only that records come again."""
        life, done, told = self._life, self._done, False
        if not done:
            return
        self._done = {}
        try:
            await self._consumer.commit(done)
            told = True
        except (KafkaError, IllegalStateError) as error:
            log.warning("commit_refused", error=repr(error))
        finally:  # also where this is cancelled in the middle
            if not told and life == self._life:
                self._done = done | self._done


def _consumer(group: str, settings: Settings) -> Any:
    return AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap,
        group_id=group,
        group_instance_id=f"{group}-{settings.instance}",
        partition_assignment_strategy=[RoundRobinPartitionAssignor],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
        session_timeout_ms=int(runtime.SESSION_TIMEOUT_S * 1000),
        heartbeat_interval_ms=int(runtime.HEARTBEAT_S * 1000),
        rebalance_timeout_ms=int(runtime.REBALANCE_MAX_S * 1000),
        max_poll_interval_ms=2**31 - 1,  # a long step is no fault; penguin status tells stalls
    )


async def _ticking(seconds: float, turn: Work) -> None:
    due = time.monotonic() + seconds
    while True:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await turn()
        due = max(due + seconds, time.monotonic())
