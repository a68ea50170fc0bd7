"""Slices whose mails are signed by other processes: every send ends as it would without them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from adapters import postgres
from adapters.message import dkim
from adapters.message.signing_pool import SigningPool
from adapters.message.skeleton import Skeleton
from adapters.settings import Settings
from streams.dispatching.agent import DispatcherDeps, dispatcher_of
from streams.dispatching.dispatcher import Dispatcher
from streams.dispatching.dots import Dots
from streams.dispatching.outcomes import Outbox
from tests import pipeline_world as world
from tests.dispatch_kit import MemoryJournal, MemoryLog, ScriptedLanes
from tests.message_kit import compiled
from tests.worker_kit import until

pytestmark = pytest.mark.stack

TAKEN = ("accepted", "ACCEPTED")
OWN_FAULT = ("deferred", "OWN_FAULT")
KEY = dkim.new_key("rsa")
FIELDS = {"first_name": "Ada"}  # of every contact of a made world
PEOPLE = [f"a{number}@gmail.test" for number in range(120)]


def skeleton(pool: SigningPool | None = None) -> Skeleton:
    return compiled(signers=[dkim.load_signer("example.com", "s", KEY.private_der)], pool=pool)


@dataclass
class Desk:
    """A dispatcher that signs by a pool, and what it works with."""

    dispatcher: Dispatcher
    started: MemoryLog
    outcomes: MemoryLog
    lanes: ScriptedLanes
    journal: MemoryJournal

    async def until_settled(self, released: world.Released) -> None:
        """Until the release's last outcome is in the log."""
        await until(lambda: ("concluded", released.release_id) in self.journal.notes)


Make = Callable[..., Desk]


@pytest.fixture
async def pool() -> AsyncIterator[SigningPool]:
    """Two workers that run."""
    async with SigningPool(2, answer_max_s=30.0) as found:
        await found.sign(KEY.private_der, [bytes(32)])
        await until(lambda: len(found.pids) == 2)
        yield found


@pytest.fixture
async def make(dsn: str, pool: SigningPool) -> AsyncIterator[Make]:
    async with postgres.pool(dsn, "pm_dispatcher") as connections, asyncio.TaskGroup() as tasks:
        started = []

        def one(**settings: Any) -> Desk:
            desk, outbox = _desk(connections, pool, settings)
            started.append(tasks.create_task(outbox.run()))
            return desk

        yield one
        for task in started:
            task.cancel()


def _desk(connections: Any, pool: SigningPool, settings: dict[str, Any]) -> tuple[Desk, Outbox]:
    journal, log, outcomes = MemoryJournal(), MemoryLog(), MemoryLog()
    dots = Dots(journal)
    lanes = ScriptedLanes(dots)
    deps = DispatcherDeps(
        pool=connections,
        started_log=log,
        outcomes_log=outcomes,
        lanes=lanes,
        resolver=world.ScriptedResolver({"gmail.test": world.mx("google")}),
        compile=lambda _: skeleton(pool),
        dots=dots,
        owner="test",
        letters=world.NoLetters(),
    )
    outbox = Outbox(outcomes)
    dispatcher = dispatcher_of(Settings(**settings), deps, outbox)
    return Desk(dispatcher, log, outcomes, lanes, journal), outbox


def signed_here(desk: Desk, addresses: list[str]) -> None:
    """Whether what left is what one process alone would have sent."""
    alone = skeleton()
    assert len(desk.lanes.wire) == len(addresses)
    for message in desk.lanes.wire:
        (message_id,) = [
            line for line in message.wire.split(b"\r\n") if line.startswith(b"Message-ID: <")
        ]
        send_id = "snd_" + message_id[13:].partition(b"@")[0].decode()
        assert message == alone.render(message.index, send_id, addresses[message.index], FIELDS)


async def test_i5_all_leave_signed_by_the_workers_and_each_is_told_once(
    dsn: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = world.release(dsn, PEOPLE)
    desk = make()

    with monkeypatch.context() as patched:
        patched.delattr(dkim.Signer, "sign")  # whoever signs in this process fails
        await desk.dispatcher.take(released.hint)
        await desk.until_settled(released)

    assert desk.outcomes.outcomes == dict.fromkeys(range(120), TAKEN)
    assert [started.ranges for started in desk.started.started] == [[[0, 120]]]
    signed_here(desk, PEOPLE)


async def test_one_address_that_cannot_be_mailed_rejects_that_send_alone(
    dsn: str, make: Make
) -> None:
    people = [*PEOPLE[:30], "bad one@gmail.test", *PEOPLE[31:60]]
    released = world.release(dsn, people)
    desk = make()

    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    expected = dict.fromkeys(range(60), TAKEN) | {30: ("rejected", "CONTENT")}
    assert desk.outcomes.outcomes == expected


async def test_a_slice_whose_workers_are_killed_is_sent_all_the_same(
    dsn: str, make: Make, pool: SigningPool
) -> None:
    released = world.release(dsn, PEOPLE)
    desk = make()
    pids = pool.pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)

    await desk.dispatcher.take(released.hint)
    await until(lambda: bool(desk.started.started))
    left_before = len(desk.lanes.wire)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    await desk.until_settled(released)

    assert left_before == 0
    assert desk.outcomes.outcomes == dict.fromkeys(range(120), TAKEN)
    signed_here(desk, PEOPLE)


async def test_a_slice_waits_for_silent_workers_no_longer_than_it_can(
    dsn: str, make: Make, pool: SigningPool
) -> None:
    released = world.release(dsn, PEOPLE)
    desk = make(slice_deadline_s=4.0)
    for pid in pool.pids:
        os.kill(pid, signal.SIGSTOP)

    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    assert desk.outcomes.outcomes == dict.fromkeys(range(120), TAKEN)
    signed_here(desk, PEOPLE)


async def test_a_drain_does_not_wait_for_silent_workers(
    dsn: str, make: Make, pool: SigningPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.dispatching.dispatcher.DRAIN_DOTS_S", 0.05)
    monkeypatch.setattr("streams.dispatching.dispatcher.DRAIN_MAX_S", 0.1)
    released = world.release(dsn, PEOPLE)
    desk = make()
    for pid in pool.pids:
        os.kill(pid, signal.SIGSTOP)

    await desk.dispatcher.take(released.hint)
    await until(lambda: bool(desk.started.started))
    await asyncio.wait_for(desk.dispatcher.drain(), 10)

    assert desk.lanes.wire == []
    assert desk.outcomes.outcomes == dict.fromkeys(range(120), OWN_FAULT)
