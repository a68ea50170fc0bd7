"""`penguin demo`: killed in the middle, started again, and once more when all is done."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.main_job_kit import MainJob, ended, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.fault]

DEMO = ("demo", "--recipients", "800", "--exit")
ENDS = ("accepted", "rejected", "suppressed", "expired", "cancelled", "ambiguous")
KILLED_AFTER = 60  # mails at the mailbox


@dataclass(frozen=True)
class Told:
    """What two runs said, and the mailbox's record when the demo was killed and after each."""

    first: dict[str, Any]
    again: dict[str, Any]
    received: tuple[Counter[str], Counter[str], Counter[str]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The command dies, its stack goes on; the next run ends the campaign, the next proves it."""
    settings = {"PM_RETRY_SCALE": "0.0005"}  # blocks are tried again within seconds
    job = MainJob(tmp_path_factory.mktemp("demo"), latency_ms=80, settings=settings)
    try:
        return run_thrice(job)
    finally:
        job.run("down")


def run_thrice(job: MainJob) -> Told:
    killed = job.start(*DEMO)
    wait_until(lambda: received(job.data).total() >= KILLED_AFTER, 180)
    killed.kill()
    killed.communicate()
    at_kill = received(job.data)
    first = ended(job.start(*DEMO))
    after_first = received(job.data)
    again = ended(job.start(*DEMO))
    return Told(first, again, (at_kill, after_first, received(job.data)))


def received(data: Path) -> Counter[str]:
    """Mails by recipient."""
    path = data / "sink" / "received.jsonl"
    lines = path.read_bytes().splitlines() if path.exists() else []
    return Counter(json.loads(line)["recipient"] for line in lines)


def test_a_demo_that_was_killed_is_finished_by_the_next_one_without_repeats(told: Told) -> None:
    at_kill, after, _ = told.received

    assert told.first["verified"] is True
    assert (told.first["state"], told.first["open"], told.first["violations"]) == ("finished", 0, 0)
    assert told.first["requested"] == sum(told.first[end] for end in ENDS) > 700
    assert KILLED_AFTER <= at_kill.total() < after.total()
    assert max(after.values()) == 1
    assert after.total() - told.first["accepted"] in range(told.first["ambiguous"] + 1)


def test_a_demo_that_is_finished_is_proven_again_and_sends_nothing(told: Told) -> None:
    same = ("campaign_id", "requested", "import", *ENDS)

    assert {name: told.again[name] for name in same} == {name: told.first[name] for name in same}
    assert told.again["verified"] is True
    assert told.received[2] == told.received[1]


def test_a_demo_shows_every_kind_of_row_and_of_answer(told: Told) -> None:
    assert told.first["import"]["rows"] > told.first["import"]["imported"] > 700
    assert min(told.first["import"]["rejected"], told.first["import"]["duplicates"]) > 0
    assert min(told.first[end] for end in ("accepted", "rejected", "suppressed")) > 0
    assert {"api_url", "docs_url", "inbox_url", "emails_per_s", "elapsed_s"} <= told.first.keys()
