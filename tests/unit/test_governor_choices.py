"""Plans by provider, reports about a domain, several blocklists; when time alone has its say."""

from __future__ import annotations

from domain.governor.events import ReviewAsked
from domain.governor.inputs import (
    Action,
    ListingSeen,
    Overridden,
    PlanChosen,
    Scopes,
    SpamRateReported,
    Started,
    Ticked,
)
from domain.governor.state import cell_key, gate_key
from domain.governor.waking import due_s
from tests.governor_kit import DAY, HOUR, START, TENANT, Run, blocked, scopes, taken


def plan(name: str, provider: str = "") -> PlanChosen:
    return PlanChosen(START, TENANT, "ip_a", name, provider=provider)


def test_a_plan_for_one_provider_holds_from_the_first_mail_to_it() -> None:
    run = Run()
    run.tell(plan("fast"), plan("conservative", "yahoo"))
    for provider in ("yahoo", "outlook"):
        run.tell(Started(START, scopes(provider=provider), 1))

    yahoo, outlook = (run.state.cells[cell_key("ip_a", one)] for one in ("yahoo", "outlook"))
    assert (yahoo.plan, yahoo.quota) == ("conservative", 100)
    assert (outlook.plan, outlook.quota) == ("fast", 225)


def test_a_plan_for_all_leaves_the_one_that_a_provider_has_of_its_own() -> None:
    run = Run()
    run.tell(plan("conservative", "yahoo"), Started(START, scopes(), 1), plan("fast"))

    assert run.state.cells[cell_key("ip_a", "yahoo")].plan == "conservative"


def test_a_report_about_a_domain_makes_no_cell_of_an_ip() -> None:
    run = Run()
    run.tell(SpamRateReported(START, Scopes(TENANT, "", "gmail", "dom_a"), 0.001, 1000))

    assert list(run.state.cells) == ["domain:dom_a:gmail"]


def test_an_ip_on_two_lists_is_delisted_when_both_say_so() -> None:
    run = Run()
    for zone in ("a.test", "b.test"):
        run.tell(ListingSeen(START, TENANT, "ip_a", listed=True, tier=1, zone=zone))
    resume = Overridden(START + HOUR, TENANT, gate_key("ip", "ip_a"), Action.RESUME)

    run.tell(ListingSeen(START, TENANT, "ip_a", listed=False, tier=1, zone="a.test"), resume)
    assert run.allowed(START + DAY) == 0

    run.tell(ListingSeen(START, TENANT, "ip_a", listed=False, tier=1, zone="b.test"), resume)
    assert run.allowed(START + DAY) == 1


def test_the_first_list_asks_for_a_review_and_the_next_ones_do_not() -> None:
    run = Run()
    for zone, listed in (("a.test", True), ("b.test", True), ("a.test", True), ("b.test", False)):
        run.tell(ListingSeen(START, TENANT, "ip_a", listed=listed, tier=1, zone=zone))
    once = [event.rule for event in run.decided if isinstance(event, ReviewAsked)]
    run.tell(ListingSeen(START, TENANT, "ip_a", listed=False, tier=1, zone="a.test"))
    run.tell(ListingSeen(START, TENANT, "ip_a", listed=True, tier=1, zone="a.test"))

    assert once == ["listed"]
    assert [type(event) for event in run.decided].count(ReviewAsked) == 2


def test_an_open_breaker_wakes_when_its_time_is_over() -> None:
    run = Run()
    run.send(START, *blocked())
    until_s = run.state.cells[cell_key("ip_a", "yahoo")].breaker.until_s

    assert due_s(run.state) == until_s
    assert until_s > START


def test_probes_wake_when_they_may_be_sent_anew() -> None:
    run = Run()
    run.send(START, *blocked())
    first = due_s(run.state)
    assert first is not None
    run.tell(Ticked(first))

    assert due_s(run.state) == first + HOUR


def test_a_day_that_was_used_ends_and_a_month_of_silence_wakes_nobody() -> None:
    run = Run()
    assert due_s(run.state) is None
    run.send(START + HOUR, *taken(5))
    assert due_s(run.state) == START + DAY

    woken = 0
    while due := due_s(run.state):
        run.tell(Ticked(due))
        woken += 1
    assert woken == 31
