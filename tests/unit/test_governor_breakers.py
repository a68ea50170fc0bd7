"""The governor's breakers: what opens one, how far it reaches, and what closes it."""

from __future__ import annotations

from typing import Any

from domain.event import Event
from domain.governor.events import BreakerClosed, BreakerHalfOpened, BreakerOpened, ReviewAsked
from domain.governor.inputs import Action, DnsChecked, Finding, ListingSeen, Overridden, Ticked
from domain.governor.state import Phase, Status, gate_key
from tests.governor_kit import DAY, HOUR, START, TENANT, Run, blocked, deferred, scopes, taken


def only(decided: list[Event], kind: type[Event]) -> Event:
    (found,) = [event for event in decided if isinstance(event, kind)]
    return found


def rules(decided: list[Event], kind: type[Any]) -> list[str]:
    return [event.rule for event in decided if isinstance(event, kind)]


def test_a_block_opens_halves_and_is_probed_by_one_then_five() -> None:
    run = Run()
    now = run.good_days(3)
    decided = run.send(now, *blocked())

    opened = only(decided, BreakerOpened)
    assert isinstance(opened, BreakerOpened)
    assert (opened.rule, opened.level) == ("blocked", 0)
    assert run.cell().quota == 800
    assert run.allowed(now + DAY) == 0

    now += 2 * HOUR
    assert rules(run.tell(Ticked(now + 1)), BreakerHalfOpened) == ["time_over"]
    assert run.allowed(now + HOUR) == 1
    run.send(now + 2, *taken(1))
    assert run.allowed(now + HOUR) == 5
    decided = run.send(now + 400, *taken(5))
    assert rules(decided, BreakerClosed) == ["probes_taken"]
    assert run.cell().phase is Phase.RECOVERING


def test_a_refused_probe_doubles_the_time() -> None:
    run = Run()
    run.send(START, *blocked())
    run.tell(Ticked(START + 2 * HOUR + 1))

    decided = run.send(START + 2 * HOUR + 2, *blocked())

    opened = only(decided, BreakerOpened)
    assert isinstance(opened, BreakerOpened)
    assert opened.level == 1
    assert run.cell().breaker.until_s - run.state.now_s == 4 * HOUR


def test_a_probe_that_nobody_answered_is_sent_anew() -> None:
    run = Run()
    run.send(START, *blocked())
    now = START + 2 * HOUR + 1
    run.tell(Ticked(now))
    run.send(now)
    assert run.allowed(now) == 1


def test_one_filter_behind_rcpt_is_no_block_of_the_ip() -> None:
    run = Run()
    run.send(START, *taken(90), Finding("REPUTATION_BLOCK", 1, "rcpt", 550))

    assert run.cell().breaker.status is Status.CLOSED


def test_heavy_deferrals_open_by_the_providers_own_times() -> None:
    run = Run()
    run.send(START, *taken(3), *deferred(20))
    outlook = scopes(provider="outlook")
    run.send(START, *taken(3), *deferred(20), to=outlook)

    assert run.cell().breaker.until_s - START == 2 * HOUR + 1
    assert run.cell(outlook).breaker.until_s - START == HOUR // 2 + 1


def test_blocks_by_two_providers_stop_the_ip() -> None:
    run = Run()
    run.send(START, *blocked(), to=scopes(provider="yahoo"))
    assert run.allowed(START + 60, scopes(provider="gmail")) > 0
    run.send(START + HOUR, *blocked(), to=scopes(provider="outlook"))

    assert run.allowed(START + HOUR + 60, scopes(provider="gmail")) == 0
    assert run.allowed(START + HOUR + 60, scopes("ip_b", "gmail")) > 0


def test_mail_that_is_not_signed_stops_its_domain_alone_until_dns_is_right() -> None:
    run = Run()
    run.send(START, Finding("AUTH_FAIL", 3, "dot", 550))
    other = scopes()
    other = type(other)(TENANT, other.ip, other.provider, "dom_b", "cmp_a")

    assert run.allowed(START + DAY) == 0
    assert run.allowed(START + HOUR, other) > 0
    run.tell(DnsChecked(START + HOUR, TENANT, "dom_a", passed=True))
    assert run.allowed(START + 2 * HOUR) > 0


def test_refused_content_stops_its_campaign_until_someone_resumes_it() -> None:
    run = Run()
    run.send(START, *taken(95), Finding("CONTENT", 5, "dot", 550))

    assert run.allowed(START + DAY) == 0
    assert run.allowed(START + DAY, scopes(campaign="cmp_b")) > 0
    run.tell(Overridden(START + 2 * DAY, TENANT, gate_key("campaign", "cmp_a"), Action.RESUME))
    assert run.allowed(START + 2 * DAY + HOUR) > 0


def test_dead_addresses_stop_the_campaign_and_ask_for_a_look_at_the_tenant() -> None:
    run = Run()
    decided = run.send(START, *taken(80), Finding("INVALID_RECIPIENT", 20, "rcpt", 550))

    assert rules(decided, BreakerOpened) == ["hard_bounces"]
    assert rules(decided, ReviewAsked) == ["hard_bounces"]
    assert run.allowed(START + DAY, scopes(campaign="cmp_b")) > 0


def test_a_listed_ip_stays_blocked_until_delisted_and_resumed() -> None:
    run = Run()
    run.tell(ListingSeen(START, TENANT, "ip_a", listed=True, tier=1))
    resume = Overridden(START + HOUR, TENANT, gate_key("ip", "ip_a"), Action.RESUME)
    run.tell(resume)
    assert run.allowed(START + DAY) == 0

    run.tell(ListingSeen(START + HOUR, TENANT, "ip_a", listed=False, tier=1), resume)
    assert run.allowed(START + DAY) == 1


def test_lists_of_lower_tiers_stop_nothing() -> None:
    run = Run()
    run.tell(ListingSeen(START, TENANT, "ip_a", listed=True, tier=2))

    assert run.allowed(START + HOUR) > 0


def test_a_provider_that_cannot_be_reached_is_left_alone_for_minutes() -> None:
    run = Run()
    run.send(START, Finding("INFRA", 5, "connect", 0))
    run.send(START, Finding("INFRA", 5, "connect", 0), to=scopes(provider="other"))

    assert run.cell().breaker.until_s == START + 301
    assert run.cell(scopes(provider="other")).breaker.status is Status.CLOSED


def test_many_ambiguous_outcomes_pause_the_cell() -> None:
    run = Run()
    run.send(START, *taken(300), Finding("AMBIGUOUS", 4, "dot", 0))

    assert (run.cell().breaker.rule, run.cell().breaker.status) == ("ambiguous", Status.OPEN)


def test_probes_that_may_leave_anew_are_told() -> None:
    """Who releases mail knows of a half-open breaker what its events say, and nothing else."""
    run = Run()
    run.send(START, *blocked())
    now = START + 2 * HOUR + 1
    run.tell(Ticked(now))

    silent = run.send(now + 60, Finding("GREYLIST", 1, "rcpt", 451))
    unanswered = run.send(now + 120) + run.tell(Ticked(now + 2 * HOUR))

    assert rules(silent, BreakerHalfOpened) == ["probes_silent"]
    assert rules(unanswered, BreakerHalfOpened) == ["probes_unanswered"]
    again = only(unanswered, BreakerHalfOpened)
    assert isinstance(again, BreakerHalfOpened)
    assert again.probes == 1
