"""Which limit binds, over rows made by hand: each limit alone, and which of several."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from projections.whynot.binding import binding_of
from projections.whynot.holds import HoldKind, kind_of
from projections.whynot.limits import ORDER, Limit
from projections.whynot.rows import (
    Cell,
    Ip,
    Moving,
    Quota,
    Snapshot,
    Wait,
)
from streams.releasing.tick import Pace
from tests.whynot_kit import (
    GOVERNED,
    LATER,
    NOW,
    STAGE,
    TOMORROW,
    WAIT,
    WINDOW,
    bound,
    breaker,
    look,
)


def test_nothing_binds_where_no_row_says_so() -> None:
    assert binding_of(look()).binding is None


CASES: dict[str, tuple[Snapshot, tuple[Any, ...]]] = {
    "authority": (
        look(stage=replace(STAGE, open=False, reason="send authority (epoch 3) is held by x")),
        ("authority", "stack", "not_held", None),
    ),
    "gate": (
        look(stage=replace(STAGE, open=False, reason="not opened yet")),
        ("gate", "stack", "closed", None),
    ),
    "schedule": (
        look(stage=replace(STAGE, schedule_age_s=11.0)),
        ("schedule", "stack", "stale", None),
    ),
    "releaser": (
        look(stage=replace(STAGE, releaser=False)),
        ("releaser", "stack", "not_running", None),
    ),
    "tenant": (look(campaign={"may_send": False}), ("tenant", "tenant", "suspended", None)),
    "paused": (look(campaign={"state": "paused"}), ("campaign", "campaign", "paused", None)),
    "draft": (look(campaign={"state": "draft"}, waits=[]), ("campaign", "campaign", "draft", None)),
    "scheduled": (
        look(campaign={"state": "scheduled", "scheduled_at": LATER}, waits=[]),
        ("campaign", "campaign", "scheduled", LATER),
    ),
    "cancelled": (
        look(campaign={"state": "cancelled"}),
        ("campaign", "campaign", "cancelled", None),
    ),
    "finished": (
        look(campaign={"state": "finished"}, waits=[]),
        ("campaign", "campaign", "finished", None),
    ),
    "planning": (
        look(campaign={"total": None}, waits=[]),
        ("planning", "campaign", "not_planned", None),
    ),
    "parked": (
        look(wait=Wait("cmp_a", "gmail", parked=4, parked_why="undecodable")),
        ("parked", "campaign", "poison", None),
    ),
    "retired": (look(ips=[Ip("ip_a", "retired")]), ("ips", "campaign", "retired", None)),
    "quarantined": (
        look(ips=[Ip("ip_a", "quarantined")]),
        ("ips", "campaign", "quarantined", None),
    ),
    "no_ip": (look(ips=[]), ("ips", "campaign", "none_usable", None)),
    "mailbox": (look(campaign={"mailbox_may_send": False}), ("mailbox", "mailbox", "paused", None)),
    "breaker_of_campaign": (
        look(breakers=[breaker("campaign", "cmp_a", rule="content", until=None, status="blocked")]),
        ("breaker", "campaign", "content", None),
    ),
    "breaker_of_tenant": (
        look(breakers=[breaker("tenant", "ten_a", rule="ordered")]),
        ("breaker", "tenant", "ordered", LATER),
    ),
    "breaker_of_ip": (
        look(cell=GOVERNED, breakers=[breaker("ip", "ip_a")]),
        ("breaker", "ip", "blocked", LATER),
    ),
    "breaker_of_domain": (
        look(breakers=[breaker("domain", "dom_a", "gmail", rule="authentication")]),
        ("breaker", "domain", "authentication", LATER),
    ),
    "breaker_of_cell": (
        look(cell=GOVERNED, breakers=[breaker("cell", "ip_a", "gmail")]),
        ("breaker", "cell", "blocked", LATER),
    ),
    "probes_under_way": (
        look(
            cell=GOVERNED,
            breakers=[
                breaker("cell", "ip_a", "gmail", status="half", until=None, probes=1, probes_used=1)
            ],
        ),
        ("breaker", "cell", "blocked", None),
    ),
    "cap": (
        look(cell=Cell("ip_a", "gmail", started=3, reserved=2, cap_per_day=5)),
        ("cap", "cell", "cap_per_day", TOMORROW),
    ),
    "quota": (
        look(cell=replace(GOVERNED, started=300, quota_rule="earned")),
        ("quota", "cell", "earned", TOMORROW),
    ),
    "quota_of_domain": (
        look(
            cell=GOVERNED,
            quotas=[Quota("dom_a", "gmail", 300, "earned")],
            used={("domain", "dom_a", "gmail"): 300},
        ),
        ("quota", "domain", "earned", TOMORROW),
    ),
    "plan": (
        look(
            campaign={"sends_per_month": 50, "used_of_plan": 50},
            wait=replace(WAIT, firsts=WAIT.sends),
        ),
        ("plan", "tenant", "sends_per_month", datetime(2026, 2, 1, tzinfo=UTC)),
    ),
    "daily_of_tenant": (
        look(campaign={"tenant_daily_limit": 7}, used={("tenant", "ten_a", ""): 7}),
        ("daily_limit", "tenant", "tenant_daily_limit", TOMORROW),
    ),
    "daily_of_campaign": (
        look(campaign={"daily_limit": 7}, used={("campaign", "cmp_a", ""): 8}),
        ("daily_limit", "campaign", "campaign_daily_limit", TOMORROW),
    ),
    "daily_of_mailbox": (
        look(campaign={"mailbox_daily_limit": 0}),
        ("daily_limit", "mailbox", "mailbox_daily_limit", TOMORROW),
    ),
    "rate": (
        look(cell=Cell("ip_a", "gmail", rate_per_s=0.5, burst=1, tokens=0.0, refilled_at=NOW)),
        ("rate", "cell", "set_by_hand", NOW + timedelta(seconds=2)),
    ),
    "rate_of_governor": (
        look(
            cell=replace(
                GOVERNED, per_h=36.0, own_tokens=0.9, own_refilled_at=NOW, rate_rule="deferred"
            )
        ),
        ("rate", "cell", "deferred", NOW + timedelta(seconds=10)),
    ),
    "window": (look(campaign={"window": WINDOW}), ("window", "campaign", "send_window", LATER)),
    "retry": (
        look(wait=Wait("cmp_a", "gmail", later=3, next_due_at=LATER)),
        ("retry", "campaign", "next_attempt", LATER),
    ),
    "lane": (look(ips=[Ip("ip_a", released=4000)]), ("lane", "ip", "lane_full", None)),
    "worker": (
        look(
            waits=[],
            moving=[Moving("released", 9, 1, "ip_a", oldest_at=NOW - timedelta(seconds=6))],
        ),
        ("worker", "ip", "not_claimed", None),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_limit_binds_by_itself_with_its_rule_and_when_it_lifts(name: str) -> None:
    snap, expected = CASES[name]

    found = bound(snap)

    assert (found.limit, found.scope, found.rule, found.lifts_at) == expected
    assert found.detail
    assert found.limit in ORDER


def test_what_holds_for_more_comes_first() -> None:
    snap = look(
        stage=replace(STAGE, open=False, reason="not opened yet", schedule_age_s=None),
        campaign={"state": "paused", "may_send": False},
        ips=[],
        cell=Cell("ip_a", "gmail", cap_per_day=0),
    )

    found = binding_of(snap)

    assert found.binding is not None
    assert found.binding.limit == "gate"
    assert [one.limit for one in found.limits] == ["gate", "schedule", "tenant", "campaign", "ips"]


def test_of_several_limits_on_a_way_the_one_that_lifts_last_binds() -> None:
    """A bucket that fills in seconds does not help where the quota of today is used up."""
    cell = replace(GOVERNED, started=300, own_tokens=0.0, own_refilled_at=NOW)

    assert bound(look(cell=cell)).limit == "quota"


def test_of_several_ways_the_one_that_opens_first_tells_what_binds() -> None:
    """A breaker over one IP lifts before the other's cap of the day."""
    snap = look(
        campaign={"ips": ("ip_a", "ip_b")},
        ips=[Ip("ip_a"), Ip("ip_b")],
        cell=replace(GOVERNED, cap_per_day=0),
        breakers=[breaker("cell", "ip_b", "gmail")],
    )
    cells = {**snap.cells, ("ip_b", "gmail"): Cell("ip_b", "gmail", plan="fast")}

    found = bound(replace(snap, cells=cells))

    assert (found.limit, found.scope_id, found.lifts_at) == ("breaker", "ip_b", LATER)


def test_one_open_way_is_enough() -> None:
    """Over another IP, to another provider, or by a probe."""
    shut = Cell("ip_a", "gmail", cap_per_day=0)
    other_ip = look(campaign={"ips": ("ip_a", "ip_b")}, ips=[Ip("ip_a"), Ip("ip_b")], cell=shut)
    other_provider = look(waits=[WAIT, Wait("cmp_a", "yahoo", due=1)], cell=shut)
    half = breaker("cell", "ip_a", "gmail", status="half", until=None, probes=5, probes_used=4)

    assert binding_of(other_ip).binding is None
    assert binding_of(other_provider).binding is None
    assert binding_of(look(cell=GOVERNED, breakers=[half])).binding is None


def test_nothing_binds_while_something_is_on_its_way() -> None:
    shut = Cell("ip_a", "gmail", cap_per_day=10, started=10)
    under_way = look(cell=shut, moving=[Moving("started", 10, 1, "ip_a")])

    assert binding_of(under_way).binding is None
    assert [one.limit for one in binding_of(under_way).limits] == ["cap"]


def test_a_warm_ip_of_fair_reputation_takes_what_quotas_leave_over_but_not_around_a_breaker() -> (
    None
):
    warm = Cell("ip_w", "gmail", plan="standard", quota=900, phase="warm")
    ips = [Ip("ip_a"), Ip("ip_w", spare_of="cmp_a")]

    def with_(own: Cell, spare: Cell, **more: Any) -> Limit | None:
        snap = look(cell=own, ips=ips, **more)
        return binding_of(replace(snap, cells={**snap.cells, ("ip_w", "gmail"): spare})).binding

    used_up = replace(GOVERNED, started=300)
    cold = with_(used_up, replace(warm, phase="warming"))
    shut = with_(used_up, warm, breakers=[breaker("cell", "ip_a", "gmail")])
    bad = with_(used_up, replace(warm, score=49))
    assert with_(used_up, warm) is None
    assert with_(used_up, replace(warm, score=50)) is None
    assert bad is not None
    assert bad.limit == "quota"
    assert cold is not None
    assert cold.limit == "quota"
    assert shut is not None
    assert shut.scope_id == "ip_a"


def test_a_breaker_of_an_ip_that_is_not_governed_any_more_binds_only_until_someone_ends_it() -> (
    None
):
    open_, blocked = breaker("ip", "ip_a"), breaker("ip", "ip_a", status="blocked", until=None)

    assert binding_of(look(breakers=[open_])).binding is None
    assert bound(look(breakers=[blocked])).limit == "breaker"


def test_a_domains_quota_binds_only_what_leaves_through_governed_cells() -> None:
    quota = Quota("dom_a", "gmail", 0, "earned")
    both = look(
        campaign={"ips": ("ip_a", "ip_b")},
        ips=[Ip("ip_a"), Ip("ip_b")],
        cell=GOVERNED,
        quotas=[quota],
    )

    assert binding_of(both).binding is None
    assert bound(look(cell=GOVERNED, quotas=[quota])).scope == "domain"


def test_windows_go_by_the_clocks_of_recipients_where_they_are_known() -> None:
    wait = Wait("cmp_a", "gmail", due=1, zone="Asia/Tokyo")  # there it is 18:30
    theirs = WINDOW | {"zone_of": "recipient"}

    assert bound(look(wait=wait, campaign={"window": WINDOW})).lifts_at == LATER
    assert bound(look(wait=wait, campaign={"window": theirs})).lifts_at == datetime(
        2026, 1, 12, 1, 10, tzinfo=UTC
    )


def test_the_evidence_tells_the_numbers() -> None:
    cell = Cell("ip_a", "gmail", started=3, reserved=2, cap_per_day=5, cap_reason="warm-up")
    half = breaker("ip", "ip_a", status="half", probes=1, probes_used=1, counts={"blocked": 5})

    cap = bound(look(cell=cell)).evidence
    probes = bound(look(cell=GOVERNED, breakers=[half])).evidence
    assert cap == {
        "cap_per_day": 5, "used": 5, "left": 0, "day": "2026-01-05", "started": 3, "reserved": 2,
        "reason": "warm-up",
    }  # fmt: skip
    assert (probes["counts"], probes["probes"], probes["probes_used"]) == ({"blocked": 5}, 1, 1)


@pytest.mark.parametrize("name", CASES)
def test_progress_and_whynot_tell_one_truth(name: str) -> None:
    """Each limit is a hold, but for the states in which nobody waits for a campaign."""
    limit = bound(CASES[name][0])

    kind = kind_of(limit)
    assert (kind is None) == (name in {"draft", "scheduled", "cancelled", "finished"})
    assert kind is None or kind in HoldKind


def test_the_lanes_depth_is_the_releasers() -> None:
    assert look().lane_depth == Pace("key").lane_depth_sends
