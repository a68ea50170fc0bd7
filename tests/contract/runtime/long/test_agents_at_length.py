"""The promises of a StreamRuntime that take their time: `make agents`."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from streams.runtime import SESSION_TIMEOUT_S
from tests.contract.runtime.conftest import Place
from tests.worker_kit import kill, until

pytestmark = [pytest.mark.stack, pytest.mark.fault]


async def test_a_worker_of_timers_alone_needs_no_topic(place: Place) -> None:
    process = place.start("timer")

    await until(lambda: place.lines().count("tick") > 2)
    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == 0


async def test_a_record_that_cannot_even_be_dead_lettered_ends_the_process_and_is_read_again(
    place: Place,
) -> None:
    await place.produce(["poison1", "n1"])

    died = place.start(PM_LETTERS="lost").wait(20)
    before = place.noted()
    place.start()
    await until(lambda: place.noted() == ["n1"])

    assert died == 70
    assert before == []
    assert (await place.letters(1))[0].value == b"poison1"


async def test_a_step_longer_than_the_session_keeps_its_partition(place: Place) -> None:
    long_s = SESSION_TIMEOUT_S * 1.5
    await place.produce([f"slow:{long_s}:a", "n1"])
    place.start()
    await until(lambda: place.noted("begun") != [])
    began = time.monotonic()

    await until(lambda: place.noted() == [f"slow:{long_s}:a", "n1"], within_s=long_s + 20)

    assert time.monotonic() - began > SESSION_TIMEOUT_S
    assert place.noted("begun") == [f"slow:{long_s}:a"]


async def test_a_killed_worker_is_back_long_before_its_session_ends_and_skips_nothing(
    place: Place,
) -> None:
    session_s = 80  # seconds; it comes back under its own instance id, and waits for nobody
    first = place.start(PM_SESSION_S=str(session_s))
    await place.produce([f"n{number}" for number in range(200)])
    await until(lambda: len(place.noted()) > 100)

    kill(first)
    await place.produce([f"n{number}" for number in range(200, 300)])
    place.start(PM_SESSION_S=str(session_s))
    await until(lambda: len(set(place.noted())) == 300, within_s=session_s / 2)

    assert set(place.noted()) == {f"n{number}" for number in range(300)}


async def test_partitions_that_move_between_workers_lose_nothing(place: Place) -> None:
    """Workers come, go in order and are killed while records flow; each record is done."""
    place.start(PM_INSTANCE="1")
    wanted: set[str] = set()

    async def more() -> None:
        values = [f"r{len(wanted) + number}" for number in range(400)]
        wanted.update(values)
        await place.produce(values, partition=None)

    await more()
    second = place.start(PM_INSTANCE="2")
    await more()
    await until(lambda: len(place.by_instance("2")) > 20, within_s=60)
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    await more()
    third = place.start(PM_INSTANCE="3")
    await more()
    kill(third)
    await more()
    await until(lambda: wanted <= set(place.noted()), within_s=90)

    assert wanted == set(place.noted())


async def test_a_frozen_worker_loses_its_partitions_and_none_of_their_records(
    place: Place,
) -> None:
    frozen = place.start(PM_INSTANCE="1")
    place.start(PM_INSTANCE="2")
    await place.produce([f"a{number}" for number in range(100)], partition=None)
    await until(lambda: len(place.noted()) >= 100, within_s=60)

    frozen.send_signal(signal.SIGSTOP)
    await place.produce([f"b{number}" for number in range(100)], partition=None)
    await until(lambda: len(set(place.noted())) >= 200, within_s=90)
    frozen.send_signal(signal.SIGCONT)
    await place.produce([f"c{number}" for number in range(100)], partition=None)
    await until(lambda: len(set(place.noted())) >= 300, within_s=90)

    assert {value for value in place.by_instance("2") if value[0] == "b"} == {
        f"b{number}" for number in range(100)
    }


async def test_what_was_done_is_known_to_the_group_within_seconds(place: Place) -> None:
    place.start()
    await place.produce([f"n{number}" for number in range(40)], partition=None)
    await until(lambda: len(place.noted()) == 40)

    async with asyncio.timeout(20):
        while await place.committed() < 40 + 4:  # each partition begins with the log's mark
            continue  # asking takes its time


@pytest.mark.parametrize("runtime", ["faust"], indirect=True)
async def test_a_group_goes_on_where_it_stood_when_the_runtime_changes(place: Place) -> None:
    """From one to the other and back: nothing again, nothing left out."""
    done: list[str] = []
    for number, runtime in enumerate(("faust", "plain", "faust")):
        await place.produce([f"{runtime}{number}.{n}" for n in range(20)], partition=None)
        process = place.start(PM_STREAM_RUNTIME=runtime)
        await until(lambda number=number: len(place.noted()) >= 20 * (number + 1), within_s=60)  # type: ignore[misc]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        done = place.noted()

    assert len(done) == len(set(done)) == 60
