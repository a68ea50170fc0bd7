"""`penguin campaign`: pause, resume, cancel and watch, in the middle of what is going out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.main_job_kit import MainJob, ended, wait_until

pytestmark = pytest.mark.stack

LEADS = 2500
MANY = 4000  # more than is claimed by the time that a command takes
UNDER_WAY = 40  # mails at the mailbox
ENDS = ("accepted", "rejected", "suppressed", "expired", "cancelled", "ambiguous")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainJob]:
    """A stack whose mailbox takes its time: two hundred mails a second."""
    job = MainJob(tmp_path_factory.mktemp("campaign"), latency_ms=40)
    job.up()
    yield job
    job.run("down")


class Campaign:
    """One that was launched, by its name at the mailbox."""

    def __init__(self, job: MainJob, name: str, leads: int = LEADS) -> None:
        self.job, self.name = job, name
        launched = job.run(*job.order(job.write_leads(name, leads)), "--sign", "none")
        self.campaign_id = str(launched["campaign_id"])

    def under_way(self) -> Campaign:
        wait_until(lambda: self.received >= UNDER_WAY)
        return self

    @property
    def received(self) -> int:
        return self.job.received(self.name).total()

    def ask(self, deed: str) -> Any:
        return self.job.run("campaign", deed, self.campaign_id)

    def refused(self, code: int, deed: str) -> str:
        return self.job.refused(code, "campaign", deed, self.campaign_id)

    def on_the_wire(self) -> int:
        """Sends that were started and have no outcome yet, by the log."""
        open_sends = 0
        for line in self.job.lines("events", "--topic", "pm.attempts"):
            data = line["data"]
            if data.get("campaign_id") == self.campaign_id:
                ranges = data.get("ranges") or []
                open_sends += sum(end - start for start, end in ranges)
                for result in data.get("results", []):
                    open_sends -= sum(end - start for start, end in result["ranges"])
        return open_sends

    def proven(self) -> dict[str, Any]:
        sink = str(self.job.data / "sink" / "received.jsonl")
        command = ("verify", "--campaign", self.campaign_id, "--against-sink", sink)
        proof = self.job.run(*command)
        assert proof["ok"], proof["violations"]
        return dict(proof["campaigns"][0])


def test_a_paused_campaign_sends_nothing_more_and_goes_on_when_resumed(job: MainJob) -> None:
    campaign = Campaign(job, "paused").under_way()

    paused = campaign.ask("pause")
    wait_until(lambda: campaign.on_the_wire() == 0)
    stood_at = campaign.received
    beside = ended(job.send(job.write_leads("beside", 30)))  # the others go on
    wait_until(lambda: campaign.on_the_wire() == 0)

    assert (paused["state"], paused["held"]["by"]) == ("paused", "paused")
    assert beside["accepted"] == 30
    assert UNDER_WAY <= stood_at == campaign.received < LEADS
    assert campaign.ask("pause")["state"] == "paused"  # once more changes nothing

    assert campaign.ask("resume")["state"] in {"running", "finished"}
    found = campaign.ask("watch")
    assert (found["state"], found["accepted"], found["open"]) == ("finished", LEADS, 0)
    assert campaign.received == LEADS
    assert campaign.proven()["accepted"] == LEADS


def test_i6_a_cancelled_campaign_ends_every_send(job: MainJob) -> None:
    csv = job.write_leads("cancelled", MANY)
    waiting = job.send(csv)
    wait_until(lambda: job.received("cancelled").total() >= UNDER_WAY)
    launched = job.lines("events", "--type", "CampaignLaunched")
    campaign_id = launched[-1]["data"]["campaign_id"]

    told = job.run("campaign", "cancel", campaign_id)
    found = ended(waiting)

    assert told["state"] == found["state"] == "cancelled"
    assert found["requested"] == sum(found[end] for end in ENDS) == MANY
    assert found["cancelled"] > 0
    assert found["accepted"] == job.received("cancelled").total() >= UNDER_WAY
    sink = str(job.data / "sink" / "received.jsonl")
    proof = job.run("verify", "--campaign", campaign_id, "--against-sink", sink)
    assert proof["ok"], proof["violations"]
    assert {end: proof["campaigns"][0][end] for end in ENDS} == {end: found[end] for end in ENDS}
    for deed in ("pause", "resume"):
        assert "is cancelled" in job.refused(1, "campaign", deed, campaign_id)
    assert job.run("campaign", "cancel", campaign_id)["state"] == "cancelled"


def test_a_campaign_that_is_cancelled_while_paused_ends_too(job: MainJob) -> None:
    campaign = Campaign(job, "stopped", MANY).under_way()

    campaign.ask("pause")
    campaign.ask("cancel")
    found = campaign.ask("watch")

    assert (found["state"], found["open"]) == ("cancelled", 0)
    assert found["cancelled"] + found["accepted"] == MANY
    assert found["cancelled"] > 0
    assert campaign.proven()["cancelled"] == found["cancelled"]


def test_a_finished_campaign_is_watched_at_once_and_can_no_more_be_changed(job: MainJob) -> None:
    campaign = Campaign(job, "over", 5)
    first = campaign.ask("watch")

    assert campaign.ask("watch") == first
    assert (first["state"], first["accepted"]) == ("finished", 5)
    assert {"campaign_id", "requested", "elapsed_s", "emails_per_s", "held", *ENDS} <= first.keys()
    assert "resume" in campaign.refused(1, "resume")
    for deed in ("pause", "cancel"):
        assert "is finished" in campaign.refused(1, deed)


def test_an_unknown_campaign_is_3(job: MainJob) -> None:
    for deed in ("cancel", "watch"):
        told = job.refused(3, "campaign", deed, "cmp_unknown")
        assert "no campaign cmp_unknown" in told
