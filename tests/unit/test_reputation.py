"""Reputation scores: what takes how much, for how long, and how parts make a whole."""

from __future__ import annotations

import pytest

from domain.governor.inputs import (
    Bounced,
    Complained,
    DnsChecked,
    ListingSeen,
    SpamRateReported,
    Started,
)
from domain.reputation import OtherVersion, decode, due_s, encode, initial
from domain.reputation.inputs import (
    AlignmentReported,
    DomainListed,
    Engaged,
    NameChecked,
    TrapsHit,
)
from tests.reputation_kit import (
    DAY,
    HOUR,
    START,
    TENANT,
    Run,
    accepted,
    after,
    by_day,
    ended,
    scopes,
)


def test_a_score_is_unknown_until_200_attempts() -> None:
    run = after(accepted(START, 199))
    assert run.until(START + 60) == []
    run.tell(accepted(START + 60, 1))
    told = run.until(START + 120)
    assert [(each.scope, each.old, each.new) for each in told] == [
        ("domain", None, 100),
        ("cell", None, 100),
        ("ip", None, 100),
        ("tenant", None, 100),
    ]


def test_what_nothing_is_known_of_takes_nothing() -> None:
    assert after(accepted(START, 200)).score().components == ()


def test_complaints_of_0_3_percent_take_nearly_all_of_30_points() -> None:
    run = after(accepted(START, 50_000), Complained(START, scopes(), 150))
    assert run.penalty("complaints") == pytest.approx(297, abs=3)  # the prior is 500 mails of 0.05%
    run.tell(Complained(START, scopes(), 1000))
    assert run.penalty("complaints") == 300


def test_few_mails_prove_little() -> None:
    one_of_200 = after(accepted(START, 200), Complained(START, scopes(), 1))
    assert one_of_200.penalty("complaints") < 160  # a ratio would say 0.5 %: all of it


@pytest.mark.parametrize(
    ("reason", "signal", "weight"),
    [
        ("INVALID_RECIPIENT", "hard_bounces", 200),
        ("REPUTATION_BLOCK", "blocks", 200),
        ("REPUTATION_DEFER", "deferrals", 100),
    ],
)
def test_each_way_to_be_refused_takes_its_weight_at_most(
    reason: str, signal: str, weight: int
) -> None:
    run = after(ended(START, reason, 5_000))
    assert run.penalty(signal) == weight
    assert run.points() == 100 - weight // 10


def test_late_bounces_count_as_hard_ones() -> None:
    run = after(accepted(START, 1000), Bounced(START, scopes(), 80))
    assert run.penalty("hard_bounces") == 200


def test_a_greylisting_says_nothing() -> None:
    assert after(ended(START, "GREYLIST", 1000)).score().evidence == 0


def test_silence_proves_nothing_where_no_feedback_loop_tells() -> None:
    gmail = scopes(provider="gmail")
    run = after(accepted(START, 5_000, gmail), Complained(START, gmail, 10))
    assert run.points(provider="gmail") < 100  # 10 of what was accepted
    run = after(accepted(START, 5_000, gmail), SpamRateReported(START, gmail, 0.004, 5_000))
    assert run.score(provider="gmail").components[0]["penalty"] == 300


def test_a_report_without_a_count_is_about_the_last_full_day() -> None:
    gmail = scopes(provider="gmail")
    run = after(
        accepted(START, 5_000, gmail), SpamRateReported(START + DAY + HOUR, gmail, 0.004, 0)
    )
    assert run.score(provider="gmail").components[0]["events"] == 20


def test_listings_take_by_tier_and_40_at_most() -> None:
    run = after(accepted(START, 1000))
    for zone, tier, taken in (("psbl", 3, 40), ("spamcop", 2, 190), ("zen", 1, 400)):
        run.tell(ListingSeen(START, TENANT, "ip_a", listed=True, tier=tier, zone=zone))
        assert run.penalty("listings") == taken
    run.tell(ListingSeen(START, TENANT, "ip_a", listed=False, tier=1, zone="zen"))
    assert run.penalty("listings") == 190


def test_an_address_range_without_mail_servers_takes_25() -> None:
    seen = ListingSeen(START, TENANT, "ip_a", listed=True, tier=2, zone="pbl.spamhaus.org")
    assert after(accepted(START, 1000), seen).penalty("listings") == 250


def test_a_domains_listing_is_its_own_not_its_ips() -> None:
    run = after(
        accepted(START, 1000), DomainListed(START, TENANT, "dom_a", "dbl", listed=True, tier=1)
    )
    assert run.points("domain", "dom_a") == 60
    assert run.points("ip", "ip_a") == 100


def test_name_traps_alignment_and_records_take_their_weights() -> None:
    run = after(accepted(START, 1000), NameChecked(START, TENANT, "ip_a", passed=False))
    assert run.points() == 75
    run.tell(NameChecked(START, TENANT, "ip_a", passed=True), TrapsHit(START, scopes(), 3))
    assert run.points() == 85
    run.tell(DnsChecked(START, TENANT, "dom_a", passed=False))
    assert run.points("domain", "dom_a") == 75  # traps too
    run.tell(
        DnsChecked(START, TENANT, "dom_a", passed=True),
        AlignmentReported(START, TENANT, "dom_a", 10_000, 8_000),
    )
    assert run.points("domain", "dom_a") == 75


def test_growth_from_day_to_day_takes_up_to_5_points() -> None:
    run = after(*by_day(1, 1000), Started(START + DAY, scopes(), 2_000))
    assert run.penalty("volume_jump") == 0
    run.tell(Started(START + DAY, scopes(), 3_000))
    assert run.penalty("volume_jump") == 50
    run.until(START + 12 * DAY)
    assert run.penalty("volume_jump") == 0


def test_engagement_is_judged_by_the_scopes_own_median() -> None:
    run = after(*by_day(20, 1000, engaged=200))
    run.until(START + 20 * DAY)
    assert run.penalty("engagement") == 0
    for day in range(20, 30):
        run.tell(accepted(START + day * DAY, 1000))
    run.until(START + 30 * DAY)
    assert 40 < run.penalty("engagement") <= 100


def test_decay_brings_a_score_back() -> None:
    run = after(accepted(START, 20_000), ended(START, "REPUTATION_BLOCK", 2_000))
    low = run.points()
    assert low <= 80
    run.until(START + 20 * DAY)
    assert run.points() > low
    blocks = [part for part in run.score().components if part["signal"] == "blocks"]
    assert sum(part["penalty"] for part in blocks) < 10


def test_an_ip_is_at_most_20_better_than_at_its_worst_provider() -> None:
    run = after(
        accepted(START, 100_000),
        ended(START, "INVALID_RECIPIENT", 2_000, scopes(provider="gmail")),
        ended(START, "REPUTATION_BLOCK", 2_000, scopes(provider="gmail")),
    )
    worst = run.points(provider="gmail")
    assert run.points("ip") == run.points("tenant", TENANT) == worst + 20
    assert "worst_provider" in {part["signal"] for part in run.score("ip").components}


def test_a_provider_with_little_mail_holds_an_ip_not_down() -> None:
    few = ended(START, "INVALID_RECIPIENT", 50, scopes(provider="gmail"))
    assert after(accepted(START, 100_000), few).points("ip") == 100


def test_an_ip_without_mail_to_judge_by_has_no_score() -> None:
    run = after(ListingSeen(START, TENANT, "ip_a", listed=True, tier=1, zone="zen"))
    assert run.until(START + DAY) == []
    assert run.score("ip").points is None


def test_it_says_when_time_alone_has_something_to_tell() -> None:
    assert due_s(initial) is None
    run = after(accepted(START + 5, 1000))
    assert due_s(run.state) == START + 60
    run.until(START + 60)
    assert due_s(run.state) == START + HOUR


def test_bytes_of_other_rules_are_refused() -> None:
    with pytest.raises(OtherVersion, match="version 0"):
        decode(encode(initial).replace(b'"version":1', b'"version":0'))


def test_a_clock_that_went_back_moves_nothing() -> None:
    run = Run()
    run.tell(accepted(START + DAY, 1000), Engaged(START, scopes(), 1))
    assert run.state.now_s == START + DAY
