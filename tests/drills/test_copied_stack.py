"""A copy of a stack, in the middle of a campaign: it sends nothing until authority is taken over.

The oracle is the sink's own file, written before each of its 250s, and the connections it counts.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.main_job_kit import MainJob, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.fault]
LEADS = 4000
COPIED_AFTER = 200  # mails at the sink
HERE = "drill"


@pytest.fixture
def original(tmp_path: Path) -> Iterator[MainJob]:
    """A stack that was stopped in the middle of its campaign, paused so that some of it waits."""
    job = MainJob(tmp_path / "original", latency_ms=300)
    job.data.mkdir()
    job.up()
    sending = job.run(*job.order(job.write_leads(HERE, LEADS)), "--sign", "none")
    wait_until(lambda: len(job.received(HERE)) >= COPIED_AFTER)
    job.run("campaign", "pause", sending["campaign_id"])
    job.run("down")
    job.addresses["campaign_id"] = sending["campaign_id"]
    yield job
    job.run("down")


@pytest.fixture
def copy(original: MainJob, tmp_path: Path) -> Iterator[MainJob]:
    """Its folder, copied as a whole: Postgres, Kafka, ids, journals."""
    copied = MainJob(tmp_path / "copy", addresses=dict(original.addresses))
    subprocess.run(["cp", "-a", original.data, copied.data], check=True)  # keeps owners
    copied.run("up")
    yield copied
    copied.run("down")


def connections_of(job: MainJob) -> int:
    """How many connections were ever made to the sink of a stack."""
    return (job.data / "sink" / "connections").stat().st_size


def shown(job: MainJob, ok: int) -> dict[str, Any]:
    found: dict[str, Any] = job.run("authority", "show", ok=ok)
    return found


def test_a_copy_sends_nothing_until_authority_is_taken_over_and_then_only_the_rest(
    original: MainJob, copy: MainJob
) -> None:
    before, connections = copy.received(HERE), connections_of(copy)
    assert connections > 0
    assert COPIED_AFTER <= before.total() < LEADS

    campaign = copy.addresses["campaign_id"]
    copy.run("campaign", "resume", campaign)
    wait_until(lambda: "held by stack" in shown(copy, 1)["gate_reason"])
    refused = shown(copy, 1)
    assert refused["holder"] == refused["copy_of"] != refused["stack_id"]
    assert not refused["gate_open"]
    told = {one["name"]: one for one in copy.run("doctor", ok=1)["checks"]}
    assert not told["send authority"]["ok"]
    assert "authority take" in told["send authority"]["cure"]
    assert copy.run("status", ok=1)["authority"]["holds"] is False
    rebuilt = copy.run("projections", "rebuild", "send_ledger")
    assert rebuilt["equal"]
    assert copy.run("verify", "--against-stores")["ok"]
    assert (copy.received(HERE), connections_of(copy)) == (before, connections)

    taken = copy.run("authority", "take", "--reason", "the original is gone")
    assert (taken["taken"], taken["epoch"]) == (True, refused["epoch"] + 1)
    assert taken["open_waiting"] + taken["open_started"] == LEADS - before.total()
    assert shown(copy, 0)["holds"] is True
    assert copy.run("authority", "take", "--reason", "again")["taken"] is False

    wait_until(lambda: copy.received(HERE).total() >= LEADS, 120)
    received = copy.received(HERE)
    assert (len(received), max(received.values())) == (LEADS, 1)
    wait_until(lambda: _open(copy, campaign) == 0)
    sink = str(copy.data / "sink" / "received.jsonl")
    proof = copy.run("verify", "--campaign", campaign, "--against-sink", sink)
    assert proof["ok"], proof["violations"]


def _open(job: MainJob, campaign: str) -> int:
    proof = job.run("verify", "--campaign", campaign)
    return int(proof["campaigns"][0]["open"])
