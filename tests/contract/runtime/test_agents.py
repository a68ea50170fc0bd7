"""What every StreamRuntime promises its agents, on real Kafka; the rest is in long/ (make agents).

Each case starts few processes and checks much, for a start of one costs seconds.
"""

from __future__ import annotations

import signal

import psutil
import pytest

from tests.contract.runtime.conftest import Place
from tests.worker_kit import kill, until

pytestmark = pytest.mark.stack


async def test_steps_come_in_order_faults_are_repeated_and_poison_stalls_nothing(
    place: Place,
) -> None:
    values = ["n1", "flaky1", "n2", "poison1", "n3"]
    await place.produce(values, partition=0)
    await place.produce([f"m{number}" for number in range(50)], partition=1)

    process = place.start()
    await until(lambda: len(place.noted()) >= 54)
    (letter,) = await place.letters(1)
    headers = dict(letter.headers)
    await until(lambda: place.lines().count("tick") > 2)

    assert [value for value in place.noted() if value[0] != "m"] == ["n1", "flaky1", "n2", "n3"]
    assert [value for value in place.noted() if value[0] == "m"] == [f"m{n}" for n in range(50)]
    assert (letter.key, letter.value) == (b"k", b"poison1")
    assert headers["ce_type"] == b"X"
    assert headers["dlq_origin"].startswith(f"{place.topic}/0/".encode())
    assert b"ValueError: poison" in headers["dlq_reason"]
    assert not [c for c in psutil.Process(process.pid).net_connections() if c.status == "LISTEN"]


async def test_a_step_under_way_is_finished_at_sigterm_and_comes_again_after_kill_9(
    place: Place,
) -> None:
    await place.produce(["n1", "slow:1:a", "n2"])
    first = place.start()
    await until(lambda: place.noted("begun") == ["slow:1:a"])

    first.send_signal(signal.SIGTERM)
    status = first.wait(20)
    after_term = list(place.noted())
    await place.produce(["slow:60:b", "n3"])
    second = place.start()
    await until(lambda: "slow:60:b" in place.noted("begun"))
    ticks = place.lines().count("tick")  # of 0.1 s: long enough to say, wrongly, that it is done
    await until(lambda: place.lines().count("tick") > ticks + 15)
    kill(second)
    place.start()
    await until(lambda: place.noted("begun").count("slow:60:b") == 2)

    assert status == 0
    assert "drained" in place.lines()
    assert after_term[:2] == ["n1", "slow:1:a"]
    assert place.noted()[:3] == ["n1", "slow:1:a", "n2"]  # what SIGTERM saw done is not done again
    assert place.noted().count("slow:1:a") == 1
    assert "n3" not in place.noted()
