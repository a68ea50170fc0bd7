"""What every Decider keeps of many decisions at once: memory twin and Postgres alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from adapters import deciding_together
from domain import sending_domain, sending_ip, suppression, tenant
from domain.event import Event
from domain.ports import ConcurrentAppend, Decided, Decider, Outcome, Reservation, Wanted
from domain.refusals import Invalid, NotFound, Taken

TENANT, OTHER = "ten_a", "ten_b"


def wanted(
    module: Any,
    thing_id: str,
    decide: Callable[[Any], Sequence[Event]],
    tenant_id: str = TENANT,
    **context: Any,
) -> Wanted:
    told: Any = {"tenant_id": tenant_id} | context
    return Wanted(module.stream(thing_id), module.initial, module.evolve, decide, told)


def suppressed(contact_id: str, tenant_id: str = TENANT, reason: str = "manual") -> Wanted:
    who = suppression.Subject(tenant_id, contact_id)
    decide = partial(suppression.suppress, who=who, reason=reason, evidence="a test")
    return wanted(suppression, contact_id, decide, tenant_id)


def domain_added(domain_id: str, name: str, tenant_id: str = TENANT) -> Wanted:
    decide = partial(sending_domain.add, tenant_id=tenant_id, domain_id=domain_id, domain=name)
    reserved = [Reservation("domain", name)]
    return wanted(sending_domain, domain_id, decide, tenant_id, reservations=reserved)


def ip_added(ip: str) -> Wanted:
    egress = sending_ip.Egress("127.0.0.1")
    return wanted(sending_ip, ip, partial(sending_ip.add, tenant_id=TENANT, ip=ip, egress=egress))


def one_more(ip: str, **context: Any) -> Wanted:
    """The cap rises by one: not idempotent, so that a lost or doubled one shows."""

    def decide(state: sending_ip.State) -> tuple[Event, ...]:
        cap = (state.caps["*"] or 0) + 1
        return sending_ip.set_cap(state, provider="*", cap_per_day=cap, reason="a test")

    return wanted(sending_ip, ip, decide, **context)


def caps_of(decider: Decider, ip: str) -> dict[str, int | None]:
    seen: list[sending_ip.State] = []

    def look(state: sending_ip.State) -> tuple[Event, ...]:
        seen.append(state)
        return ()

    decider.transact_many([wanted(sending_ip, ip, look)])
    return seen[-1].caps


def kinds(outcomes: Sequence[Outcome]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


def positions(outcomes: Sequence[Outcome]) -> list[int]:
    found = [one.position for one in outcomes if isinstance(one, Decided)]
    return [position for position in found if position is not None]


def events(outcomes: Sequence[Outcome]) -> list[int]:
    return [len(one.events) if isinstance(one, Decided) else -1 for one in outcomes]


def test_nothing_wanted_comes_to_nothing(decider: Decider) -> None:
    assert decider.transact_many([]) == []


def test_positions_rise_without_gaps_in_the_order_asked_for_over_tenants(decider: Decider) -> None:
    asked = [suppressed(f"lea_{n}", (TENANT, OTHER)[n // 2 % 2]) for n in range(8)]
    outcomes = decider.transact_many(asked)

    found = positions(outcomes)
    assert found == list(range(found[0], found[0] + 8))
    assert [one.stream_id for one in outcomes if isinstance(one, Decided)] == [
        one.stream_id for one in asked
    ]


def test_what_was_decided_before_is_seen_and_not_decided_again(decider: Decider) -> None:
    first = decider.transact_many([suppressed("lea_1"), suppressed("lea_2")])
    again = decider.transact_many([suppressed("lea_2"), suppressed("lea_3"), suppressed("lea_1")])

    assert events(again) == [0, 1, 0]
    before = positions(first)
    assert positions(again)[::2] == [before[1], before[0]]
    single = decider.transact(
        suppression.stream("lea_3"),
        suppression.initial,
        suppression.evolve,
        suppressed("lea_3").decide,
        tenant_id=TENANT,
    )
    assert (single.events, single.position) == ((), positions(again)[1])


def test_later_ones_on_a_stream_see_what_earlier_ones_stored(decider: Decider) -> None:
    outcomes = decider.transact_many(
        [ip_added("ip_1"), one_more("ip_1"), ip_added("ip_1"), one_more("ip_1")]
    )

    assert events(outcomes) == [1, 1, 0, 1]
    found = positions(outcomes)
    assert found[2] == found[1] < found[3]
    assert caps_of(decider, "ip_1") == {"*": 2}


def test_one_that_is_refused_stops_no_other(decider: Decider) -> None:
    suspend = wanted(tenant, OTHER, partial(tenant.suspend, reason="unpaid"), OTHER)
    outcomes = decider.transact_many(
        [suppressed("lea_1"), suppressed("lea_2", reason="policy"), suspend, suppressed("lea_3")]
    )

    assert kinds(outcomes) == [Decided, Invalid, NotFound, Decided]
    assert events(decider.transact_many([suppressed("lea_2"), suppressed("lea_3")])) == [1, 0]


def test_a_value_that_is_reserved_elsewhere_is_refused_to_that_one_alone(decider: Decider) -> None:
    decider.transact_many([domain_added("dom_1", "one.example", OTHER)])
    outcomes = decider.transact_many(
        [
            domain_added("dom_2", "two.example"),
            domain_added("dom_3", "one.example"),
            domain_added("dom_4", "two.example"),
            domain_added("dom_5", "five.example", OTHER),
            domain_added("dom_2", "two.example"),
        ]
    )

    assert kinds(outcomes) == [Decided, Taken, Taken, Decided, Decided]
    assert events(outcomes) == [1, -1, -1, 1, 0]
    assert kinds(decider.transact_many([domain_added("dom_3", "three.example")])) == [Decided]


def test_a_refused_reservation_holds_nothing(decider: Decider) -> None:
    """Of two values that one decision wants, one is held elsewhere: the other stays free."""
    decider.transact_many([domain_added("dom_1", "one.example")])
    both = [Reservation("domain", name) for name in ("two.example", "one.example")]
    decide = domain_added("dom_2", "two.example").decide
    refused = wanted(sending_domain, "dom_2", decide, reservations=both)
    outcomes = decider.transact_many([refused, domain_added("dom_3", "two.example")])

    assert kinds(outcomes) == [Taken, Decided]


def test_a_command_given_again_in_the_same_breath_or_later_is_answered(decider: Decider) -> None:
    decider.transact_many([ip_added("ip_1")])
    asked = [one_more("ip_1", command_id=name) for name in ("c1", "c2", "c1")]
    first = decider.transact_many(asked)
    again = decider.transact_many(asked)

    assert events(first) == [1, 1, 0]
    assert [one.answered for one in first if isinstance(one, Decided)] == [False, False, True]
    assert [one.answered for one in again if isinstance(one, Decided)] == [True, True, True]
    assert positions(again) == positions(first)
    assert caps_of(decider, "ip_1") == {"*": 2}


def test_a_quiet_command_is_answered_where_its_stream_stood(decider: Decider) -> None:
    quiet = wanted(sending_ip, "ip_1", lambda _: (), command_id="quiet")
    nowhere = wanted(sending_ip, "ip_2", lambda _: (), command_id="nowhere")
    first = decider.transact_many([ip_added("ip_1"), quiet, nowhere])
    decider.transact_many([one_more("ip_1")])
    again = decider.transact_many([quiet, nowhere])

    assert events(first) == [1, 0, 0]
    assert [one.position for one in first if isinstance(one, Decided)][1:] == [
        one.position for one in again if isinstance(one, Decided)
    ]
    assert positions(first)[1] == positions(first)[0]


def test_i11_a_stream_of_another_tenant_looks_empty_and_stops_no_other(decider: Decider) -> None:
    decider.transact_many([suppressed("lea_1", OTHER)])
    outcomes = decider.transact_many(
        [suppressed("lea_0"), suppressed("lea_1"), suppressed("lea_2")]
    )

    assert kinds(outcomes) == [Decided, ConcurrentAppend, Decided]
    assert events(decider.transact_many([suppressed("lea_1", OTHER)])) == [0]


def test_more_than_one_transaction_holds_is_one_answer(
    decider: Decider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding_together, "MANY", 3)
    asked = [suppressed(f"lea_{n % 8}") for n in range(10)]
    outcomes = decider.transact_many(asked)

    assert events(outcomes) == [1] * 8 + [0] * 2
    found = positions(outcomes)
    assert found[8:] == found[:2]


def test_many_at_the_same_time_on_the_same_streams_all_count(decider: Decider) -> None:
    """Every batch meets every other on each stream: none is lost, and none counts twice."""
    streams = [f"ip_{n}" for n in range(5)]
    decider.transact_many([ip_added(ip) for ip in streams])
    counted: list[int] = []

    def raise_all() -> None:
        for _ in range(4):
            outcomes = decider.transact_many([one_more(ip) for ip in streams])
            counted.append(len(positions(outcomes)))

    threads = [threading.Thread(target=raise_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    caps = [caps_of(decider, ip)["*"] or 0 for ip in streams]
    assert sum(caps) == sum(counted)
    assert sum(counted) >= len(streams)


def test_a_long_stream_folds_to_the_same_state(decider: Decider) -> None:
    """Longer than what a snapshot spares: single and many decisions see the same."""
    decider.transact_many([ip_added("ip_1")])
    for _ in range(5):
        decider.transact_many([one_more("ip_1") for _ in range(60)])

    assert caps_of(decider, "ip_1") == {"*": 300}
    assert events(decider.transact_many([one_more("ip_1"), ip_added("ip_1")])) == [1, 0]
    assert caps_of(decider, "ip_1") == {"*": 301}
