"""Known defects of Faust 0.15.3, each pinned as it is, and what of ours takes it up: `make agents`.

Numbers are those of reference/eventsourcing.md. A pin that fails says that Faust was mended: then
what stands against it may go, or a new version misbehaves otherwise. Beside these:
tests/fault/test_faust_roles.py (a launch nobody was shown), test_release_endings.py (a hint that
nobody claimed is told again when its lease ends), test_whole_stack.py (a reader that stands still).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from faust.transport.consumer import Consumer
from intervaltree import IntervalTree  # type: ignore[import-untyped]

from tests.contract.runtime.conftest import Place
from tests.worker_kit import Workers, kill, until

pytestmark = [pytest.mark.stack, pytest.mark.fault]


@pytest.fixture
def bare(server: dict[str, str], log_prefix: str, tmp_path: Path) -> Iterator[Place]:
    """A group whose worker is Faust without anything of ours around its agent."""
    echo = tmp_path / "echo"
    given = {"PM_KAFKA_BOOTSTRAP": server["bootstrap"], "PM_PREFIX": log_prefix}
    with Workers("bare_faust.py", tmp_path, PM_ECHO=str(echo), **given) as workers:
        yield Place(server["bootstrap"], log_prefix, echo, workers, "faust")


async def read_up_to(place: Place, count: int) -> None:
    """Until the group says that it has read so many records."""
    async with asyncio.timeout(30):
        while await place.committed() < count:
            continue  # asking takes its time


# ---- finding 2, §2.2: an exception in an agent counts as done


async def test_faust_counts_a_record_as_read_whose_agent_raised(bare: Place) -> None:
    await bare.produce(["n1", "poison", "n2"])

    bare.start()
    await until(lambda: bare.noted() == ["n1", "n2"])

    await read_up_to(bare, 4)  # with the log's mark: the poison counts as read, and nobody has it


@pytest.mark.parametrize("runtime", ["faust", "plain"])
async def test_absorbed_a_step_that_raises_ends_the_process_before_its_record_counts(
    server: dict[str, str], log_prefix: str, tmp_path: Path, runtime: str
) -> None:
    given = {"PM_KAFKA_BOOTSTRAP": server["bootstrap"], "PM_PREFIX": log_prefix}
    given |= {"PM_ECHO": str(tmp_path / "echo"), "PM_UNGUARDED": "1"}
    with Workers("agent_worker.py", tmp_path, **given) as workers:
        place = Place(server["bootstrap"], log_prefix, tmp_path / "echo", workers, runtime)
        await place.produce(["n1", "poison", "n2"])

        status = place.start().wait(20)
        read = await place.committed()

    assert status == 70
    assert place.noted() == ["n1"]
    assert read <= 2  # the mark and n1


# ---- finding 3: more than one actor loses records


def test_faust_skips_the_record_at_the_head_of_its_queue() -> None:
    """Offset 2585 is not acknowledged; what comes behind it is, and 2585 counts as read."""
    at = TopicPartition("t", 0)
    consumer: Any = SimpleNamespace(
        _acked={at: [2586, 2587, 2588, 2589]},
        _acked_index={at: {2586, 2587, 2588, 2589}},
        _gap={at: IntervalTree()},
        _committed_offset={at: 2585},
    )

    assert Consumer._new_offset(consumer, at) == 2590


async def test_faust_with_two_actors_loses_the_record_of_the_slower_one(bare: Place) -> None:
    await bare.produce(["n0"])
    first = bare.start(PM_ACTORS="2")
    await read_up_to(bare, 4 + 1)  # each partition begins with the log's mark
    await bare.produce(["slow:60:a", *(f"n{number}" for number in range(1, 10))])
    await until(lambda: len(bare.noted()) == 10)
    await read_up_to(bare, 4 + 11)  # the slow one's too, which is still under way

    kill(first)
    bare.start(PM_ACTORS="2")
    await bare.produce(["last"])
    await until(lambda: "last" in bare.noted())

    assert bare.noted("begun").count("slow:60:a") == 1  # and never again
