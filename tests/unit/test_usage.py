"""Use of a plan: each threshold is told once per limit, again only when the limit is another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import plan_limit, usage
from domain.refusals import Invalid
from domain.usage import THRESHOLDS, QuotaCrossed

PERIOD = date(2026, 1, 1)


def cross(state: usage.State, used: int, limit: int) -> tuple[usage.State, list[int]]:
    events = usage.cross(state, tenant_id="ten_a", period=PERIOD, used=used, limit=limit)
    for event in events:
        state = usage.evolve(state, event)
    return state, [event.percent for event in events if isinstance(event, QuotaCrossed)]


@given(st.lists(st.integers(0, 3000), max_size=20), st.integers(1, 2000))
def test_each_threshold_is_told_exactly_once_however_often_it_is_looked_at(
    looks: Sequence[int], limit: int
) -> None:
    state, told = usage.initial, []
    for used in looks:
        state, percents = cross(state, used, limit)
        told += percents

    most = max(looks, default=0)
    assert sorted(told) == [p for p in THRESHOLDS if most * 100 >= limit * p]


def test_thresholds_are_reached_at_the_very_send() -> None:
    assert usage.reached(79, 100) == ()
    assert usage.reached(80, 100) == (80,)
    assert usage.reached(100, 100) == THRESHOLDS
    assert usage.reached(4, 5) == (80,)


def test_a_raised_limit_is_another_limit() -> None:
    """What was told of the old one says nothing of the new one."""
    state, first = cross(usage.initial, 95, 100)
    state, raised = cross(state, 170, 200)
    _, again = cross(state, 171, 200)

    assert (first, raised, again) == ([80, 90, 95], [80], [])


def test_a_limit_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid, match=r"^limit:"):
        cross(usage.initial, 1, 0)


def test_a_plan_takes_the_same_limit_once() -> None:
    state = plan_limit.initial
    values = {"tenant_id": "ten_a", "sends_per_month": 50, "reason": "upgrade"}
    (event,) = plan_limit.set_limit(state, **values)  # type: ignore[arg-type]
    state = plan_limit.evolve(state, event)

    assert plan_limit.set_limit(state, **values) == ()  # type: ignore[arg-type]
    assert plan_limit.set_limit(state, tenant_id="ten_a", sends_per_month=None, reason="free")
    with pytest.raises(Invalid, match=r"^sends_per_month:"):
        plan_limit.set_limit(state, tenant_id="ten_a", sends_per_month=0, reason="no")
