"""What the folds are told of facts: of governed mail alone, of each attempt once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.event import Event
from domain.governor.inputs import (
    Attempted,
    Bounced,
    ListingSeen,
    Overridden,
    PlanChosen,
    Scopes,
    SpamRateReported,
    Started,
)
from domain.governor.orders import VolumeOrdered
from domain.refusals import Invalid
from domain.reputation.inputs import DomainListed, TrapsHit
from domain.sending import OutcomesRecorded, Result, SliceStarted
from domain.sending_ip import WarmupPlanChosen
from domain.signals import BounceReceived, ListingObserved, SpamShareReported
from streams.volume.inputs import Fact, Heard, heard
from streams.volume.intake import DAY_S, Intake, decode, encode

AT_S = 20_000 * DAY_S
ABOUT: dict[str, Any] = {
    "release_id": "rel_a",
    "batch_id": "bat_a",
    "tenant_id": "ten_a",
    "campaign_id": "cmp_a",
    "n": 1,
    "ip": "ip_a",
    "provider": "yahoo",
    "domain_id": "dom_a",
}
SCOPES = Scopes("ten_a", "ip_a", "yahoo", "dom_a", "cmp_a")


def tell(
    intake: Intake, event: Event, scopes: Scopes | None = None, pos: int | None = None
) -> Heard:
    fact = Fact(AT_S * 1000, "pm.attempts", 0, 0, "evt_a", "ten_a", event, scopes, pos)
    return heard(intake, fact)


def chosen(plan: str = "standard", provider: str = "*") -> WarmupPlanChosen:
    return WarmupPlanChosen(
        tenant_id="ten_a", ip="ip_a", provider=provider, plan=plan, curve=[], target=0, reason=""
    )


def started(*ranges: list[int]) -> SliceStarted:
    return SliceStarted(
        **ABOUT,
        ranges=list(ranges),
        cap_day=date(2027, 1, 1),
        cap_per_day=None,
        deadline_at=datetime(2027, 1, 1, tzinfo=UTC),
        owner="o",
        journal="j",
    )


def ended(outcome: str, reason: str, *ranges: list[int], source: str = "owner") -> OutcomesRecorded:
    results = [Result(outcome=outcome, reason=reason, ranges=list(ranges), phase="dot", code=250)]
    return OutcomesRecorded(**ABOUT, source=source, results=results)


def governed() -> Intake:
    intake = Intake()
    tell(intake, chosen())
    return intake


def counts(told: Heard) -> list[tuple[str, int]]:
    assert told is not None
    return [
        (finding.reason, finding.count)
        for one in told
        if isinstance(one, Attempted)
        for finding in one.findings
    ]


def test_mail_of_an_ip_without_a_plan_is_no_matter() -> None:
    intake = Intake()

    assert tell(intake, started([0, 5])) is None
    assert tell(intake, ended("accepted", "ACCEPTED", [0, 5])) is None


@pytest.mark.parametrize(
    ("plans", "matters"),
    [
        ([("standard", "*"), ("none", "*")], False),
        ([("standard", "*"), ("none", "yahoo")], False),
        ([("fast", "yahoo"), ("none", "*")], True),
        ([("fast", "gmail")], False),
    ],
)
def test_the_plan_of_a_provider_comes_before_that_of_all(
    plans: list[tuple[str, str]],
    matters: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    intake = Intake()
    for plan, provider in plans:
        tell(intake, chosen(plan, provider))

    assert (tell(intake, started([0, 5])) is not None) is matters


def test_a_start_and_an_end_that_are_told_twice_count_once() -> None:
    intake = governed()

    assert tell(intake, started([0, 5])) == (Started(AT_S, SCOPES, 5),)
    assert tell(intake, started([0, 5])) is None
    assert counts(tell(intake, ended("accepted", "ACCEPTED", [0, 3]))) == [("ACCEPTED", 3)]
    assert tell(intake, ended("accepted", "ACCEPTED", [0, 3])) == ()


def test_the_first_end_counts_and_a_sweeper_adds_what_its_owner_left() -> None:
    intake = governed()
    tell(intake, started([0, 5]))
    tell(intake, ended("accepted", "ACCEPTED", [0, 3]))

    late = ended("ambiguous", "AMBIGUOUS", [0, 5], source="sweeper")
    assert counts(tell(intake, late)) == [("AMBIGUOUS", 2)]
    assert intake.open == {}


def test_sends_that_ended_without_an_attempt_say_nothing_of_receivers() -> None:
    intake = governed()
    tell(intake, started([0, 5]))

    assert tell(intake, ended("suppressed", "hard_bounce", [0, 5])) == ()
    assert intake.open == {}


def test_a_bounce_counts_once_its_send_is_known_and_only_a_hard_one() -> None:
    intake = governed()

    def bounce(kind: str) -> BounceReceived:
        about = {"tenant_id": "ten_a", "send_id": "snd_a", "reason": "", "enhanced": ""}
        return BounceReceived(**about, kind=kind, code=550)

    assert tell(intake, bounce("hard")) is None
    assert tell(intake, bounce("soft"), SCOPES) is None
    assert tell(intake, bounce("hard"), SCOPES) == (Bounced(AT_S, SCOPES),)


def test_a_feed_that_tells_a_day_twice_is_heard_once() -> None:
    intake = governed()
    share = SpamShareReported(
        tenant_id="ten_a",
        about_id="dom_a",
        provider="yahoo",
        day=date(2027, 1, 1),
        share_ppm=2_000,
        messages=500,
        traps=3,
        verdict="",
        source="feed",
    )
    where = Scopes("ten_a", "", "yahoo", "dom_a")

    told = (SpamRateReported(AT_S, where, 0.002, 500), TrapsHit(AT_S, where, 3))
    assert tell(intake, share) == told
    assert tell(intake, share) is None


@pytest.mark.parametrize(("about", "kind"), [("ip_a", ListingSeen), ("dom_a", DomainListed)])
def test_a_listing_is_of_an_ip_or_of_a_domain(about: str, kind: type) -> None:
    listing = ListingObserved(
        tenant_id="ten_a", about_id=about, zone="a.test", listed=True, code="127.0.0.2", tier=1
    )

    told = tell(governed(), listing)
    assert told is not None
    assert [type(one) for one in told] == [kind]


def test_a_decision_whose_place_was_passed_is_not_heard_again() -> None:
    intake = Intake()

    assert tell(intake, chosen("fast"), pos=7) == (PlanChosen(AT_S, "ten_a", "ip_a", "fast"),)
    assert tell(intake, chosen("none"), pos=8) == ()
    assert tell(intake, chosen("fast"), pos=7) is None
    assert not intake.governs("ip_a", "yahoo")


def test_an_order_names_its_scope_and_one_that_is_none_is_refused() -> None:
    def order(action: str, scope: str = "cell") -> VolumeOrdered:
        return VolumeOrdered(
            tenant_id="ten_a",
            scope=scope,
            scope_id="ip_a",
            provider="yahoo",
            action=action,
            quota=9,
            reason="",
        )

    told = tell(Intake(), order("stop"))
    assert told is not None
    assert isinstance(told[0], Overridden)
    assert told[0].key == "cell:ip_a:yahoo"
    with pytest.raises(ValueError, match="nonsense"):
        tell(Intake(), order("nonsense"))
    with pytest.raises(ValueError, match="scope"):
        tell(Intake(), order("stop", "planet"))


def test_a_plan_that_there_is_not_leaves_the_ip_as_it_was() -> None:
    intake = Intake()

    with pytest.raises(Invalid):
        tell(intake, chosen("rocket"))
    assert intake.plans == {}


def test_an_intake_is_the_same_after_its_bytes() -> None:
    intake = governed()
    tell(intake, started([0, 5], [7, 9]))
    tell(intake, ended("accepted", "ACCEPTED", [0, 2]))

    assert decode(encode(intake)) == intake
    assert encode(decode(encode(intake))) == encode(intake)
