"""Which orders to volume control are taken, from whom, and which change nothing."""

from __future__ import annotations

from functools import reduce

import pytest

from domain.governor import orders
from domain.governor.orders import Order, StaffOnly, Standing, State, Target
from domain.refusals import Invalid

CELL = Target("ten_1", "cell", "ip_1", "google")
DOMAIN = Target("ten_1", "domain", "dom_1", "google")
IP = Target("ten_1", "ip", "ip_1")
CAMPAIGN = Target("ten_1", "campaign", "cmp_1")
TENANT = Target("ten_1", "tenant", "ten_1")
FREE = Standing(quota=500)


def ordered(target: Target, *given: Order, standing: Standing = FREE) -> State:
    """What stands after these orders."""
    state = orders.initial
    for wanted in given:
        told = orders.order(state, target=target, wanted=wanted, standing=standing)
        state = reduce(orders.evolve, told, state)
    return state


def take(
    state: State,
    target: Target,
    action: str,
    quota: int = 0,
    *,
    staff: bool = False,
    standing: Standing = FREE,
) -> int:
    """How many events the order is."""
    wanted = Order(action, "because", quota, staff)
    return len(orders.order(state, target=target, wanted=wanted, standing=standing))


STOP, STAFF_STOP = Order("stop", "x"), Order("stop", "x", by_staff=True)


@pytest.mark.parametrize("target", [CELL, DOMAIN, IP, CAMPAIGN, TENANT])
def test_a_tenant_stops_and_resumes_its_own_scopes_once_each(target: Target) -> None:
    stopped = ordered(target, STOP)
    blocked = Standing(500, "blocked", "ordered")

    assert take(orders.initial, target, "stop") == 1
    assert take(stopped, target, "stop", standing=blocked) == 0
    assert take(stopped, target, "resume", standing=blocked) == 1
    assert take(stopped, target, "resume") == 1  # before the agent has acted
    assert take(ordered(target, STOP, Order("resume", "x")), target, "resume") == 0


def test_resuming_what_nothing_holds_is_no_event() -> None:
    assert take(orders.initial, CAMPAIGN, "resume") == 0


def test_a_campaign_that_the_governor_stopped_is_resumed_after_review() -> None:
    standing = Standing(None, "blocked", "content")

    assert take(orders.initial, CAMPAIGN, "resume", standing=standing) == 1


@pytest.mark.parametrize("target", [CELL, IP])
def test_the_block_of_an_ip_is_ended_by_staff_alone(target: Target) -> None:
    listed = Standing(500, "blocked", "listed")

    with pytest.raises(StaffOnly, match="listed"):
        take(orders.initial, target, "resume", standing=listed)
    with pytest.raises(StaffOnly, match="listed"):  # a stop of one's own ends nothing else
        take(ordered(target, STOP), target, "resume", standing=listed)
    assert take(orders.initial, target, "resume", staff=True, standing=listed) == 1


def test_what_staff_stopped_a_tenant_does_not_resume() -> None:
    stopped = ordered(TENANT, STAFF_STOP)

    with pytest.raises(StaffOnly, match="staff stopped"):
        take(stopped, TENANT, "resume")
    assert take(stopped, TENANT, "resume", staff=True) == 1


def test_a_tenant_lowers_a_quota_and_staff_raise_it() -> None:
    assert take(orders.initial, CELL, "quota", 400) == 1
    assert take(orders.initial, CELL, "quota", 500) == 1
    with pytest.raises(StaffOnly, match="501 is more than the 500"):
        take(orders.initial, CELL, "quota", 501)
    assert take(orders.initial, CELL, "quota", 501, staff=True) == 1


def test_what_staff_set_a_tenant_does_not_raise_before_the_agent_has_acted() -> None:
    lowered = ordered(CELL, Order("quota", "x", 100, by_staff=True))

    with pytest.raises(StaffOnly, match="staff set 100"):
        take(lowered, CELL, "quota", 300)


def test_the_same_quota_again_is_no_event_unless_the_governor_moved_on() -> None:
    lowered = ordered(CELL, Order("quota", "x", 400))

    assert take(lowered, CELL, "quota", 400, standing=Standing(400)) == 0
    assert take(lowered, CELL, "quota", 400, standing=Standing(900)) == 1


def test_staff_alone_call_something_warm() -> None:
    with pytest.raises(StaffOnly, match="staff"):
        take(orders.initial, CELL, "warm", 5000)

    assert take(orders.initial, CELL, "warm", 5000, staff=True) == 1
    assert take(orders.initial, DOMAIN, "warm", staff=True) == 1


@pytest.mark.parametrize(
    ("target", "action", "quota", "word"),
    [
        (Target("ten_1", "planet", "x"), "stop", 0, "scope"),
        (CELL, "faster", 0, "action"),
        (Target("ten_1", "cell", "ip_1"), "stop", 0, "provider"),
        (Target("ten_1", "campaign", "cmp_1", "google"), "stop", 0, "provider"),
        (IP, "quota", 5, "scope"),
        (CAMPAIGN, "warm", 0, "scope"),
        (CELL, "quota", 0, "quota"),
        (CELL, "quota", -1, "quota"),
        (CELL, "quota", 1_000_000_001, "quota"),
        (CELL, "warm", 0, "quota"),
        (DOMAIN, "warm", 5, "quota"),
        (CELL, "stop", 5, "quota"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    target: Target, action: str, quota: int, word: str
) -> None:
    with pytest.raises(Invalid, match=f"^{word}: "):
        take(orders.initial, target, action, quota, staff=True)


def test_each_scope_has_a_stream_of_its_own() -> None:
    streams = {orders.stream(one) for one in (CELL, DOMAIN, IP, CAMPAIGN, TENANT)}

    assert len(streams) == 5
