"""A step of an agent ends in one of three ways: done, dead-lettered, or the process is over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from adapters.codec import Undecodable
from adapters.kafka_log import LogUnavailable
from streams import guard

RECORD = SimpleNamespace(topic="pm.signals", partition=0, offset=7)


class Letters:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    async def put(self, record: Any, reason: str) -> None:
        assert record is RECORD
        self.reasons.append(reason)


class Failing:
    """A step that raises these in turn, then works."""

    def __init__(self, *errors: Exception) -> None:
        self.left, self.calls = list(errors), 0

    async def __call__(self, record: Any) -> None:
        assert record is RECORD
        self.calls += 1
        if self.left:
            raise self.left.pop(0)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "OUTAGE_PAUSE_S", 0.0)


async def guarded(step: Failing, letters: Letters) -> None:
    await guard.guarded(step, RECORD, letters, pauses_s=(0.0, 0.0, 0.0))


async def test_an_outage_is_waited_out_however_long_it_takes() -> None:
    step, letters = Failing(*[LogUnavailable("away")] * 20), Letters()

    await guarded(step, letters)

    assert step.calls == 21
    assert letters.reasons == []


async def test_a_fault_is_tried_three_times_more_and_then_dead_lettered() -> None:
    step, letters = Failing(*[ValueError("poison")] * 9), Letters()

    await guarded(step, letters)

    assert step.calls == 4
    assert len(letters.reasons) == 1
    assert letters.reasons[0].endswith("ValueError: poison\n")


async def test_a_fault_that_passes_is_none() -> None:
    step, letters = Failing(ValueError("once"), ValueError("twice")), Letters()

    await guarded(step, letters)

    assert step.calls == 3
    assert letters.reasons == []


async def test_what_nobody_can_read_is_dead_lettered_at_once() -> None:
    step, letters = Failing(*[Undecodable("unknown event type")] * 3), Letters()

    await guarded(step, letters)

    assert step.calls == 1
    assert letters.reasons == ["undecodable: unknown event type"]


async def test_a_timer_survives_its_turns() -> None:
    turns = Failing(ValueError("bug"), LogUnavailable("away"))

    for _ in range(3):
        await guard.kept_alive("test", lambda: turns(RECORD))

    assert turns.calls == 3
