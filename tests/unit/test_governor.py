"""The governor's rules, one by one: what happens, and what it makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from domain.event import Event
from domain.governor import allowance, initial, plans, posteriors, step
from domain.governor.events import (
    PhaseChanged,
    QuotaSet,
    RateChanged,
)
from domain.governor.inputs import (
    Action,
    Attempted,
    Complained,
    Finding,
    Overridden,
    PlanChosen,
    SpamRateReported,
    Ticked,
)
from domain.governor.parameters import RECORDED
from domain.governor.state import Phase, Status, cell_key
from domain.refusals import Invalid
from tests.governor_kit import (
    DAY,
    HOUR,
    START,
    TENANT,
    Run,
    deferred,
    scopes,
    taken,
)

CELL = cell_key("ip_a", "yahoo")


def of_cell(decided: list[Event]) -> list[Event]:
    return [event for event in decided if getattr(event, "scope", "") == "cell"]


def rules(decided: list[Event], kind: type[Any]) -> list[str]:
    return [event.rule for event in decided if isinstance(event, kind)]


# ---- evidence


@pytest.mark.parametrize(
    ("limit", "among", "trips_at"),
    [(0.003, 1000, 8), (0.003, 5000, 22), (0.001, 1000, 4), (0.001, 5000, 9), (0.001, 20_000, 27)],
)
def test_complaints_trip_where_the_posterior_says(limit: float, among: int, trips_at: int) -> None:
    """The figures of reference/deliverability.md §1.4."""
    prior = posteriors.COMPLAINTS

    assert posteriors.exceeds(trips_at, among, limit, prior)
    assert not posteriors.exceeds(trips_at - 1, among, limit, prior)


@pytest.mark.parametrize(
    ("limit", "among", "trips_at"),
    [(0.1, 50, 14), (0.1, 100, 20), (0.1, 500, 64), (0.1, 1000, 117), (0.05, 1000, 62)],
)
def test_hard_bounces_trip_where_the_posterior_says(
    limit: float, among: int, trips_at: int
) -> None:
    prior = posteriors.HARD_BOUNCES

    assert posteriors.exceeds(trips_at, among, limit, prior)
    assert not posteriors.exceeds(trips_at - 1, among, limit, prior)


# ---- slow loop


def test_a_quota_that_was_used_and_taken_doubles() -> None:
    run = Run()
    first = run.cell().quota

    run.send(START, *taken(150))
    run.tell(Ticked(START + DAY))

    assert run.cell().quota == 2 * first
    told = next(event for event in run.decided if isinstance(event, QuotaSet))
    assert (told.rule, told.old, told.new, told.counts["accepted"]) == ("earned", 200, 400, 150)


def quotas_of_a_day(run: Run, *sent: tuple[Finding, ...]) -> list[tuple[str, int, int]]:
    """Rules, old and new quotas of the cell, of what is sent an hour after the other."""
    for hour, findings in enumerate(sent):
        run.send(START + hour * HOUR, *findings)
    run.tell(Ticked(START + DAY))
    told = [event for event in run.decided if isinstance(event, QuotaSet)]
    return [(one.rule, one.old, one.new) for one in told if one.scope == "cell"]


def test_a_quota_that_is_used_up_early_grows_once_before_the_day_ends() -> None:
    found = quotas_of_a_day(Run(), taken(100), taken(90), taken(200), taken(100))

    assert found == [("earned_early", 200, 400), ("earned", 400, 800)]


def test_a_quota_that_grew_early_grows_at_the_days_end_only_when_that_was_used_too() -> None:
    assert quotas_of_a_day(Run(), taken(200), taken(50)) == [("earned_early", 200, 400)]


@pytest.mark.parametrize(
    "mixed",
    [
        (*taken(190), *deferred(5)),
        (*taken(190), Finding("REPUTATION_BLOCK", 1, "dot", 550)),
    ],
)
def test_a_day_with_deferrals_or_a_block_lets_nothing_grow_early(
    mixed: tuple[Finding, ...],
) -> None:
    assert "earned_early" not in {rule for rule, _, _ in quotas_of_a_day(Run(), mixed)}


def test_a_cut_on_the_day_takes_back_what_was_earned_early() -> None:
    run = Run()
    found = quotas_of_a_day(run, taken(200), (Finding("REPUTATION_BLOCK", 1, "mail", 550),))

    assert found == [("earned_early", 200, 400), ("blocked", 400, 100)]


def test_a_cut_goes_from_what_a_person_ordered_not_from_before_an_early_step() -> None:
    run = Run()
    run.send(START, *taken(200))
    run.tell(Overridden(START + HOUR, TENANT, CELL, Action.QUOTA, quota=1_000))
    run.send(START + HOUR, Finding("REPUTATION_BLOCK", 1, "mail", 550))

    assert run.cell().quota == 500


def test_complaints_on_the_day_take_back_what_was_earned_early() -> None:
    run = Run()
    run.send(START, *taken(200))
    run.tell(Complained(START + HOUR, scopes(), 1))

    assert run.cell().quota == 200
    run.send(START + HOUR, *taken(200))
    assert run.cell().quota == 200
    told = [one.rule for one in run.decided if isinstance(one, QuotaSet) and one.scope == "cell"]
    assert told == ["earned_early", "taken_back"]


def test_a_quota_near_the_limit_of_complaints_does_not_grow_early() -> None:
    run = Run()
    run.tell(Complained(START, scopes(), 1))

    assert "earned_early" not in {rule for rule, _, _ in quotas_of_a_day(run, taken(200))}


def test_nothing_grows_early_on_a_curve_or_while_it_recovers() -> None:
    run = Run()
    run.tell(PlanChosen(START, TENANT, "ip_a", "custom", curve=(200, 500)))
    hurt = Run()
    hurt.send(START, *taken(100))
    hurt.tell(Complained(START + 1, scopes(), 20))

    assert quotas_of_a_day(run, taken(200)) == [("earned", 200, 500)]
    assert "earned_early" not in {rule for rule, _, _ in quotas_of_a_day(hurt, taken(200))}


def test_by_the_first_released_numbers_nothing_grows_before_the_days_end() -> None:
    event = Attempted(START, scopes(), taken(200))
    before, now = step(initial, event, RECORDED[1])[1], step(initial, event)[1]

    assert not [one for one in before if isinstance(one, QuotaSet)]
    assert [one.rule for one in now if isinstance(one, QuotaSet)] == ["earned_early"]


def test_a_quota_that_was_not_used_stays() -> None:
    run = Run()
    run.send(START, *taken(100))

    run.tell(Ticked(START + DAY))

    assert run.cell().quota == 200


def test_a_day_of_deferrals_cuts_by_a_fifth() -> None:
    run = Run()
    run.good_days(3)
    run.send(START + 3 * DAY, *taken(800), *deferred(300))

    decided = run.tell(Ticked(START + 4 * DAY))

    assert rules(of_cell(decided), QuotaSet) == ["deferred"]
    assert run.cell().quota == 1280


def test_complaints_halve_the_quota_at_once_and_hold_it() -> None:
    run = Run()
    now = run.good_days(3)
    run.send(now, *taken(1000))

    decided = run.tell(Complained(now + HOUR, scopes(), 12))

    assert rules(decided, QuotaSet)[0] == "complaints"
    assert run.cell().quota == 800
    assert run.cell().phase is Phase.RECOVERING
    run.send(now + 2 * HOUR, *taken(800))
    run.tell(Ticked(now + DAY))
    assert run.cell().quota == 800


def test_late_complaints_about_mail_from_before_a_cut_do_not_cut_again() -> None:
    run = Run()
    now = run.good_days(3)
    run.send(now, *taken(1000))
    run.tell(Complained(now + HOUR, scopes(), 12))

    run.tell(Complained(now + 20 * HOUR, scopes(), 30), Complained(now + 30 * HOUR, scopes(), 30))

    assert run.cell().quota == 800


def test_few_mails_prove_nothing_about_complaints() -> None:
    run = Run()
    run.send(START, *taken(100))

    run.tell(Complained(START + HOUR, scopes(), 1))

    assert run.cell().quota == 200


def test_where_no_feedback_loop_tells_its_silence_is_no_evidence() -> None:
    run = Run()
    gmail = scopes(provider="gmail")
    run.send(START, *taken(300), to=gmail)

    assert run.cell(gmail).evidence.accepted == 0
    run.tell(SpamRateReported(START + DAY, gmail, 0.02, 300))
    assert run.cell(gmail).quota == 300  # half of 600: the day before had earned its step


def test_an_idle_quota_fades_and_grows_cold() -> None:
    run = Run()
    run.good_days(5)
    grown = run.cell().quota

    run.tell(Ticked(START + 12 * DAY))
    assert run.cell().quota == grown
    run.tell(Ticked(START + 14 * DAY))
    assert run.cell().quota == int(grown * 0.8 * 0.8)
    run.tell(Ticked(START + 36 * DAY))
    assert (run.cell().quota, run.cell().phase) == (200, Phase.COLD)


def test_a_week_at_its_target_makes_a_cell_warm() -> None:
    run = Run()
    run.tell(PlanChosen(START, TENANT, "ip_a", "standard", target=500))

    run.good_days(3)
    assert run.cell().quota == 650
    run.good_days(7, first=3)

    assert run.cell().phase is Phase.WARM
    assert run.cell().quota == 650


def test_a_custom_curve_is_climbed_by_evidence_not_by_the_calendar() -> None:
    run = Run()
    run.tell(PlanChosen(START, TENANT, "ip_a", "custom", curve=(50, 80, 300)))
    assert run.cell().quota == 50

    run.tell(Ticked(START + 3 * DAY))
    assert run.cell().quota == 50
    run.good_days(2, first=3)

    assert run.cell().quota == 300


@pytest.mark.parametrize(
    ("plan", "curve"),
    [("slow", ()), ("custom", ()), ("standard", (1, 2)), ("custom", (5, 3)), ("custom", (0,))],
)
def test_a_plan_that_there_is_not_is_refused(plan: str, curve: tuple[int, ...]) -> None:
    with pytest.raises(Invalid):
        Run().tell(PlanChosen(START, TENANT, "ip_a", plan, curve=curve))


def test_plans_differ_in_how_fast_they_grow() -> None:
    days = {name: plans.planned(name, (), 200, 15)[-1] for name in plans.PLANS}

    assert days["conservative"] < days["standard"] < days["fast"]


def test_a_domain_grows_slower_than_a_cell() -> None:
    run = Run()
    run.tell(Overridden(START, TENANT, "domain:dom_a:yahoo", Action.QUOTA, 3000))
    run.send(START, *taken(3000))

    run.tell(Ticked(START + DAY))

    assert run.state.cells["domain:dom_a:yahoo"].quota == 4500


# ---- fast loop


def test_the_rate_rises_once_an_hour_while_all_is_taken() -> None:
    run = Run()
    run.tell(Overridden(START, TENANT, CELL, Action.QUOTA, 2000))
    run.send(START, *taken(60), *deferred(40))
    decided = run.send(START + HOUR, *taken(500))
    again = run.send(START + HOUR + 600, *taken(500))

    assert rules(decided, RateChanged) == ["taken"]
    assert "taken" not in rules(again, RateChanged)


def test_the_rate_falls_to_what_was_taken() -> None:
    run = Run()
    run.good_days(4)
    before = run.cell().pace.per_h

    decided = run.send(START + 4 * DAY + HOUR, *taken(60), *deferred(40))

    assert rules(decided, RateChanged) == ["deferred"]
    assert run.cell().pace.per_h == pytest.approx(0.95 * 0.6 * before)


@pytest.mark.parametrize("reason", ["GREYLIST", "MAILBOX_FULL", "RECIPIENT_RATE", "INFRA"])
def test_what_says_nothing_about_the_sender_changes_nothing(reason: str) -> None:
    run = Run()
    before = (run.cell().pace.per_h, run.cell().quota)

    run.send(START, Finding(reason, 100, "rcpt", 450))

    assert (run.cell().pace.per_h, run.cell().quota) == before
    assert run.cell().breaker.status is Status.CLOSED


def test_too_many_connections_takes_one_away_for_an_hour() -> None:
    run = Run()
    run.good_days(2)
    assert run.cell().pace.connections == 3
    now = START + 2 * DAY

    run.send(now, Finding("INFRA", 1, "banner", 421))
    run.send(now + 60, *taken(30))

    assert int(run.cell().pace.connections) == 2
    run.send(now + 2 * HOUR, *taken(30))
    assert int(run.cell().pace.connections) == 3


# ---- what binds


def test_the_binding_limit_is_named_with_when_it_lifts() -> None:
    run = Run()
    run.send(START, *taken(200))
    run.send(START, *taken(200))  # the first ones let it grow
    found = allowance(run.state, scopes(), START + DAY)

    assert (found.count, found.scope, found.rule, found.lifts_s) == (
        0,
        "cell",
        "quota",
        START + DAY,
    )


def test_a_stopped_cell_tells_its_phase() -> None:
    run = Run()
    run.send(START, *taken(1))
    decided = run.tell(Overridden(START + 5, TENANT, CELL, Action.STOP))

    assert [event.new for event in decided if isinstance(event, PhaseChanged)] == ["blocked"]
    assert run.allowed(START + DAY) == 0
