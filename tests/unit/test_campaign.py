"""A campaign's life: which deed is taken in which state."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from typing import Any

import pytest

from domain import campaign, scheduling
from domain.campaign import CampaignDrafted, CampaignRevised
from domain.refusals import Invalid, NotFound, Outdated, Refused, WrongState

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
REVISED = CampaignRevised(
    **{part.name: getattr(DRAFTED, part.name) for part in fields(DRAFTED)} | {"sign": "both"}
)
DEEDS: dict[str, Any] = {
    "draft": partial(campaign.draft, drafted=DRAFTED),
    "revise": partial(campaign.revise, revised=REVISED),
    "schedule": partial(scheduling.schedule, at=NOW),
    "unschedule": scheduling.unschedule,
    "block": partial(scheduling.block, at=NOW, reasons=["no_leads"]),
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
    "blocked": "draft schedule block",
}
# state: what becomes of draft, revise, schedule, unschedule, block, launch, pause, resume, cancel,
# finish. An event's name without "Campaign"; "-": done already, no event; NotFound or WrongState.
LIFE = {
    "missing": "Drafted NotFound NotFound NotFound NotFound NotFound NotFound NotFound NotFound"
    " NotFound",
    "draft": "- Revised Scheduled - - Launched WrongState WrongState Cancelled WrongState",
    "scheduled": "- WrongState - Unscheduled LaunchBlocked Launched WrongState WrongState Cancelled"
    " WrongState",
    "running": "- WrongState WrongState WrongState WrongState - Paused - Cancelled Finished",
    "paused": "- WrongState WrongState WrongState WrongState - - Resumed Cancelled Finished",
    "finished": "-" + " WrongState" * 8 + " -",
    "cancelled": "-" + " WrongState" * 7 + " - Finished",
    "settled": "-" + " WrongState" * 7 + " - -",
    "dropped": "-" + " WrongState" * 7 + " - WrongState",
    "blocked": "- Revised Scheduled - - Launched WrongState WrongState Cancelled WrongState",
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
    assert scheduling.schedule(after("draft schedule"), at=NOW + timedelta(1))


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


def test_a_draft_that_others_revised_meanwhile_is_not_overwritten() -> None:
    seen = after("draft").revision
    state = after("draft revise")

    with pytest.raises(Outdated, match="look at it again"):
        campaign.revise(state, revised=replace(REVISED, sign="none"), revision=seen)

    assert campaign.revise(state, revised=REVISED, revision=seen) == ()


@pytest.mark.parametrize("missing", ["content_id", "list_ids", "sender_id", "domain_id", "ips"])
def test_a_launch_names_what_the_draft_lacks(missing: str) -> None:
    drafted = replace(DRAFTED, **{missing: type(getattr(DRAFTED, missing))()})

    with pytest.raises(Invalid, match=f"{missing}: it is empty"):
        campaign.launch(campaign.evolve(campaign.initial, drafted), now=NOW)


def test_a_block_of_another_moment_than_the_scheduled_one_changes_nothing() -> None:
    late = NOW - timedelta(days=1)

    assert scheduling.block(after("draft schedule"), at=late, reasons=["no_leads"]) == ()


def test_why_a_scheduled_launch_did_not_happen_stays_known_until_it_is_scheduled_again() -> None:
    assert after("draft schedule block").blocked == ("no_leads",)
    assert after("draft schedule block schedule").blocked == ()
