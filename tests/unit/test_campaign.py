"""A campaign's life: which deed is taken in which state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from typing import Any

import pytest

from domain import campaign
from domain.campaign import CampaignDrafted
from domain.refusals import Invalid, NotFound, Refused, WrongState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DRAFTED = CampaignDrafted(
    tenant_id="ten_1",
    campaign_id="cmp_1",
    template_id="tpl_1",
    content_id="cnt_1",
    list_ids=["lst_1"],
    sender_id="sdr_1",
    domain_id="dom_1",
    ips=["ip_1"],
    priority="normal",
    message_class="bulk",
    sign="rsa",
    expire_after_s=3600,
)
DEEDS: dict[str, Any] = {
    "draft": partial(campaign.draft, drafted=DRAFTED),
    "schedule": partial(campaign.schedule, at=NOW),
    "launch": partial(campaign.launch, now=NOW),
    "pause": partial(campaign.pause, reason="a test"),
    "resume": campaign.resume,
    "cancel": partial(campaign.cancel, reason="a test"),
    "finish": partial(campaign.finish, requested=2, outcomes={"accepted": 1, "ambiguous": 1}),
}
WAYS = {
    "missing": "",
    "draft": "draft",
    "scheduled": "draft schedule",
    "running": "draft launch",
    "paused": "draft launch pause",
    "finished": "draft launch finish",
    "cancelled": "draft launch cancel",
    "settled": "draft launch cancel finish",
    "dropped": "draft cancel",
}
# state: what becomes of draft, schedule, launch, pause, resume, cancel, finish.
# An event's name without "Campaign"; "-": done already, no event; NotFound or WrongState: refused.
LIFE = {
    "missing": "Drafted NotFound NotFound NotFound NotFound NotFound NotFound",
    "draft": "- Scheduled Launched WrongState WrongState Cancelled WrongState",
    "scheduled": "- - Launched WrongState WrongState Cancelled WrongState",
    "running": "- WrongState - Paused - Cancelled Finished",
    "paused": "- WrongState - - Resumed Cancelled Finished",
    "finished": "- WrongState WrongState WrongState WrongState WrongState -",
    "cancelled": "- WrongState WrongState WrongState WrongState - Finished",
    "settled": "- WrongState WrongState WrongState WrongState - -",
    "dropped": "- WrongState WrongState WrongState WrongState - WrongState",
}


def after(deeds: str) -> campaign.State:
    return reduce(
        lambda state, deed: reduce(campaign.evolve, DEEDS[deed](state), state),
        deeds.split(),
        campaign.initial,
    )


def what_becomes_of(deed: str, state: campaign.State) -> str:
    try:
        events = DEEDS[deed](state)
    except Refused as refusal:
        return type(refusal).__name__
    return "".join(type(event).__name__.removeprefix("Campaign") for event in events) or "-"


@pytest.mark.parametrize("state", LIFE)
def test_each_state_takes_its_deeds(state: str) -> None:
    found = [what_becomes_of(deed, after(WAYS[state])) for deed in DEEDS]

    assert " ".join(found) == LIFE[state]


def test_its_sends_expire_so_long_after_its_launch() -> None:
    (launched,) = campaign.launch(after("draft"), now=NOW)

    assert isinstance(launched, campaign.CampaignLaunched)
    assert launched.expires_at == NOW + timedelta(hours=1)


def test_another_moment_moves_its_launch() -> None:
    assert campaign.schedule(after("draft schedule"), at=NOW + timedelta(1))


def test_a_refusal_names_the_state_and_the_way_out() -> None:
    with pytest.raises(WrongState) as refusal:
        campaign.pause(after("draft"), reason="a test")

    said = "status: the campaign is draft; to pause it must be running"
    assert str(refusal.value) == said


@pytest.mark.parametrize(
    ("requested", "outcomes", "words"),
    [
        (3, {"accepted": 2}, "requested: 3 is not the sum of outcomes, 2"),
        (1, {"deferred": 1}, "outcomes: deferred ends no send"),
        (0, {"accepted": 1, "rejected": -1}, "requested"),
    ],
)
def test_i6_it_does_not_finish_on_counts_that_do_not_add_up(
    requested: int, outcomes: dict[str, int], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        campaign.finish(after("draft launch"), requested=requested, outcomes=outcomes)


def test_an_audience_of_nobody_finishes_at_once() -> None:
    assert campaign.finish(after("draft launch"), requested=0, outcomes={})


def test_nothing_of_a_missing_campaign_can_be_done() -> None:
    with pytest.raises(NotFound, match="draft it first"):
        campaign.launch(campaign.initial, now=NOW)
