"""The rate after bad news: what opened a cell, what is taken less of late, and poor mail."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from domain.governor import State, initial, step
from domain.governor.events import RateChanged
from domain.governor.inputs import (
    Action,
    Attempted,
    Complained,
    Finding,
    Overridden,
    Started,
    Ticked,
)
from domain.governor.parameters import RECORDED, Parameters
from domain.governor.state import Status, cell_key
from tests.governor_kit import DAY, HOUR, START, TENANT, Run, deferred, scopes, taken


def per_h(run: Run) -> float:
    return run.cell().pace.per_h


def grown() -> tuple[Run, int]:
    """A cell that was used and taken well for a week, and the morning after."""
    run = Run()
    morning = run.good_days(7)
    return run, morning


def reopened(run: Run, at_s: int) -> None:
    """Its breaker's time is over, and all of its probes are taken."""
    run.tell(Ticked(run.cell().breaker.until_s))
    for count in (1, 5):
        run.send(at_s, *taken(count))
    assert run.cell().breaker.status is Status.CLOSED


def test_deferrals_that_open_a_cell_lower_its_rate_below_what_was_taken() -> None:
    run, morning = grown()
    before = per_h(run)

    run.send(morning + HOUR, *taken(30), *deferred(70))

    assert run.cell().breaker.status is Status.OPEN
    assert per_h(run) <= 0.7 * 0.3 * before + 1


def test_a_cell_goes_on_at_half_its_rate_once_its_probes_are_taken() -> None:
    run, morning = grown()
    run.send(morning + HOUR, *taken(30), *deferred(70))
    before = per_h(run)

    reopened(run, morning + 4 * HOUR)

    assert per_h(run) == pytest.approx(before / 2)


def test_an_hour_in_which_all_is_deferred_leaves_a_rate_to_rise_from() -> None:
    run, morning = grown()
    before, quota = per_h(run), run.cell().quota

    run.send(morning + HOUR, *deferred(200))

    kept = run.cell().quota / quota  # the quota's cut takes the rate with it
    assert per_h(run) == pytest.approx(0.2 * kept * before)


def test_each_opening_of_a_day_lowers_the_rate_though_the_quota_is_cut_once() -> None:
    run, morning = grown()
    run.send(morning + HOUR, *taken(30), *deferred(70))
    quota = run.cell().quota
    reopened(run, morning + 4 * HOUR)
    before = per_h(run)

    run.send(morning + 5 * HOUR, *taken(30), *deferred(70))

    assert run.cell().quota == quota
    assert per_h(run) < 0.3 * before


def day_with(run: Run, morning: int, count: int) -> None:
    run.send(morning + 12 * HOUR, *taken(count))
    run.tell(Ticked(morning + DAY))


def test_a_day_that_takes_far_less_than_the_days_before_slows_the_next_one() -> None:
    run, morning = grown()
    before, quota = per_h(run), run.cell().quota

    day_with(run, morning, quota // 10)

    assert run.cell().quota == quota
    assert per_h(run) == pytest.approx(before / 2)


def test_slack_days_never_take_a_rate_below_half_of_what_spends_the_quota() -> None:
    run, morning = grown()
    for day in range(6):
        day_with(run, morning + day * DAY, 10)

    assert per_h(run) == pytest.approx(run.cell().quota / 12 / 2)


def test_a_sender_that_uses_a_part_of_its_quota_every_day_keeps_its_rate() -> None:
    run, morning = grown()
    part = run.cell().quota // 4
    for day in range(4):
        day_with(run, morning + day * DAY, part)
    before = per_h(run)

    for day in range(4, 10):
        day_with(run, morning + day * DAY, part)

    assert per_h(run) == before


def poor(run: Run, morning: int) -> None:
    """Unknown users above 5 %, below what cuts a quota; complaints few."""
    run.send(morning, *taken(300), Finding("INVALID_RECIPIENT", 30, "rcpt", 550))
    assert run.cell().cool_days == 0


def test_a_single_deferral_in_a_small_window_slows_poor_mail_and_no_other() -> None:
    good, bad = Run(), Run()
    good.send(START, *taken(330))
    poor(bad, START)
    for run in (good, bad):
        run.tell(Started(START + 9 * HOUR, scopes(), 6))
    told = [
        run.tell(Attempted(START + 10 * HOUR, scopes(), (*taken(5), *deferred(1))))
        for run in (good, bad)
    ]

    assert not [one for one in told[0] if isinstance(one, RateChanged)]
    assert [one.rule for one in told[1] if isinstance(one, RateChanged)] == ["deferred"]


def test_complaints_that_cut_a_quota_make_mail_poor_while_it_cools() -> None:
    run, morning = grown()
    run.tell(Complained(morning + 60, scopes(), 200))
    assert run.cell().cool_days

    decided = run.send(morning + HOUR, *taken(45), *deferred(8))

    (told,) = [one for one in decided if isinstance(one, RateChanged)]
    assert told.new_per_h <= 0.7 * told.old_per_h


def test_the_rate_of_poor_mail_rises_a_few_times_a_day_at_most() -> None:
    run = Run()
    run.tell(Overridden(START, TENANT, cell_key("ip_a", "yahoo"), Action.QUOTA, 5_000))
    poor(run, START)
    run.send(START + HOUR, *taken(40), *deferred(20))
    rises = []
    for hour in range(2, 22):
        unknown = Finding("INVALID_RECIPIENT", 20, "rcpt", 550)
        decided = run.send(START + hour * HOUR, *taken(180), unknown)
        rises += [hour for one in decided if isinstance(one, RateChanged) and one.rule == "taken"]

    assert len(rises) > 1
    assert all(later - sooner >= 6 for sooner, later in pairwise(rises))


def story(parameters: Parameters) -> tuple[State, list[tuple[str, int, int]]]:
    """A good day, an opening by deferrals with its probes, and a slack day after it."""
    state, found = initial, list[Any]()
    events: list[Any] = [Started(START + HOUR, scopes(), 190)]
    events += [Attempted(START + HOUR + 1, scopes(), taken(190)), Ticked(START + DAY)]
    events += [Started(START + DAY + HOUR, scopes(), 100)]
    events += [Attempted(START + DAY + HOUR + 1, scopes(), (*taken(30), *deferred(70)))]
    events += [Ticked(START + DAY + 4 * HOUR)]
    for count in (1, 5):
        events += [Attempted(START + DAY + 4 * HOUR, scopes(), taken(count))]
    for event in (*events, Ticked(START + 2 * DAY)):
        state, decided = step(state, event, parameters)
        found += decided
    return state, [
        (one.rule, one.old_per_h, one.new_per_h) for one in found if isinstance(one, RateChanged)
    ]


@pytest.mark.parametrize("version", [1, 2])
def test_recorded_versions_still_forget_what_opened_a_cell(version: int) -> None:
    _, before = story(RECORDED[version])
    _, now = story(RECORDED[3])

    assert "probes_taken" not in {rule for rule, _, _ in before}
    assert "probes_taken" in {rule for rule, _, _ in now}
    assert now[-1][2] < before[-1][2]
