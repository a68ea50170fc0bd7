"""Postgres comes back older than Kafka, in the middle of a campaign: nothing is sent again.

The oracle is the sink's own file, written before each of its 250s.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.main_job_kit import MainJob, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.fault]
LEADS = 3000
NAME = "restored"


@pytest.fixture
def job(tmp_path: Path) -> Iterator[MainJob]:
    made = MainJob(tmp_path / "stack", latency_ms=300)
    made.data.mkdir()
    made.up()
    yield made
    made.run("down")


def copied(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)  # keeps owners


def sent_until(job: MainJob, campaign: str, mails: int) -> None:
    """The campaign goes on until so many mails were received; then all stops."""
    wait_until(lambda: job.received(NAME).total() >= mails, 120)
    job.run("campaign", "pause", campaign)
    job.run("down")


def test_what_the_log_says_was_sent_is_not_sent_again(job: MainJob, tmp_path: Path) -> None:
    sending = job.run(*job.order(job.write_leads(NAME, LEADS)), "--sign", "none")
    campaign = sending["campaign_id"]
    sent_until(job, campaign, 200)
    copied(job.data / "postgres", tmp_path / "backup")
    job.up()
    job.run("campaign", "resume", campaign)
    sent_until(job, campaign, job.received(NAME).total() + 300)
    before = job.received(NAME)
    assert before.total() < LEADS

    shutil.rmtree(job.data / "postgres")
    copied(tmp_path / "backup", job.data / "postgres")
    job.run("up", "--servers-only")
    missing = job.run("restore", "--dry-run", ok=1)["missing"]
    restored = job.run("restore")
    assert missing == restored["copied"] > 0
    job.run("down")
    job.up()
    assert job.run("authority", "show")["holds"] is True
    assert job.received(NAME) == before

    job.run("campaign", "resume", campaign)
    wait_until(lambda: job.received(NAME).total() >= LEADS, 240)
    wait_until(lambda: _open(job, campaign) == 0)
    received = job.received(NAME)
    assert (len(received), max(received.values())) == (LEADS, 1)
    sink = str(job.data / "sink" / "received.jsonl")
    proof = job.run("verify", "--campaign", campaign, "--against-sink", sink, "--against-stores")
    assert proof["ok"], proof["violations"]


def _open(job: MainJob, campaign: str) -> int:
    proof = job.run("verify", "--campaign", campaign)
    return int(proof["campaigns"][0]["open"])
