"""kill -9 in the middle of a campaign, whoever it is: an exact count at the sink.

The oracle is the sink's own file, written before each of its 250s.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.main_job_kit import MainJob, ended, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.fault]
LEADS = 1600
KILLED_AFTER = 200  # mails at the sink


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainJob]:
    """A whole stack, for all kills of this file."""
    job = MainJob(tmp_path_factory.mktemp("main-job"))
    job.run("up")
    yield job
    job.run("down")


@pytest.mark.parametrize(
    "victim",
    [
        "dispatcher",
        "relay",
        "schedule",
        "projections",
        "release",
        "planner",
        "sweeper",
        "volume",
        "kafka-1",
        "postgres",
    ],
)
def test_i4_i6_a_kill_loses_nothing_and_sends_nothing_twice(job: MainJob, victim: str) -> None:
    """0 lost, 0 twice, ambiguous named; the log proves it, and the sink agrees send by send."""
    name = f"kill-{victim}"
    sending = job.send(job.write_leads(name, LEADS))
    wait_until(lambda: len(job.received(name)) >= KILLED_AFTER)

    died = job.kill(victim)
    found = ended(sending)

    received = job.received(name)
    assert max(received.values()) == 1
    assert found["requested"] == LEADS
    assert found["accepted"] + found["ambiguous"] == LEADS
    assert found["accepted"] <= len(received) <= found["accepted"] + found["ambiguous"]
    assert found["open"] == 0
    sink = str(job.data / "sink" / "received.jsonl")
    proof = job.run("verify", "--campaign", found["campaign_id"], "--against-sink", sink)
    assert proof["ok"], proof["violations"]
    assert job.pids()[victim] not in {0, died}


def test_a_graceful_stop_in_the_middle_leaves_nothing_ambiguous(job: MainJob) -> None:
    """`down` drains: what is on the wire ends, and `up` goes on with the rest."""
    sending = job.send(job.write_leads("graceful", LEADS))
    wait_until(lambda: len(job.received("graceful")) >= KILLED_AFTER)

    job.run("down")
    job.run("up")
    found = ended(sending)

    assert found["accepted"] == LEADS
    assert found["ambiguous"] == 0
    assert job.received("graceful").total() == LEADS
