"""What every Decider keeps: one suite for the memory twin and for Postgres."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from domain import sending_domain, sending_ip, tenant
from domain.event import Event
from domain.ports import ConcurrentAppend, Decided, Decider, Reservation
from domain.refusals import NotFound, Taken

TENANT, OTHER = "ten_a", "ten_b"


def decide_tenant(
    decider: Decider, decide: Callable[[tenant.State], tuple[Event, ...]], **context: str
) -> Decided:
    told = {"tenant_id": TENANT, "actor": "a test"} | context
    return decider.transact(
        tenant.stream(TENANT),
        tenant.initial,
        tenant.evolve,
        decide,
        **told,  # type: ignore[arg-type]
    )


create = partial(tenant.create, tenant_id=TENANT)
suspend = partial(tenant.suspend, reason="unpaid")


def test_a_decision_is_kept_and_folded_into_the_next(decider: Decider) -> None:
    created = decide_tenant(decider, create)
    suspended = decide_tenant(decider, suspend)

    assert created.events == (tenant.TenantCreated(tenant_id=TENANT),)
    assert suspended.events == (tenant.TenantSuspended(tenant_id=TENANT, reason="unpaid"),)
    assert created.position is not None
    assert suspended.position is not None
    assert suspended.position > created.position


def test_nothing_decided_answers_with_the_position_to_read_to(decider: Decider) -> None:
    created = decide_tenant(decider, create)
    again = decide_tenant(decider, create)

    assert again == Decided(created.position, (), stream_id=tenant.stream(TENANT))


def test_nothing_decided_on_nothing_has_no_position(decider: Decider) -> None:
    assert decide_tenant(decider, lambda _: ()).position is None


def test_a_repeated_command_gives_the_first_answer_and_no_events(decider: Decider) -> None:
    first = decide_tenant(decider, create, command_id="c1")
    decide_tenant(decider, suspend)
    repeated = decide_tenant(decider, suspend, command_id="c1")

    assert repeated == Decided(first.position, (), answered=True, stream_id=tenant.stream(TENANT))


def test_a_repeated_command_answers_with_the_stream_it_went_to_first(decider: Decider) -> None:
    decide_tenant(decider, create, command_id="c1")
    repeated = decider.transact(
        "tenant-made-anew",
        tenant.initial,
        tenant.evolve,
        create,
        tenant_id=TENANT,
        command_id="c1",
    )

    assert repeated.stream_id == tenant.stream(TENANT)


def test_a_command_that_found_nothing_to_do_is_answered_the_same_again(decider: Decider) -> None:
    created = decide_tenant(decider, create)
    nothing = decide_tenant(decider, create, command_id="c2")
    repeated = decide_tenant(decider, suspend, command_id="c2")

    assert nothing.events == ()
    assert not nothing.answered
    assert (repeated.position, repeated.events, repeated.answered) == (created.position, (), True)


def test_a_refusal_keeps_nothing_and_leaves_the_command_open(decider: Decider) -> None:
    with pytest.raises(NotFound):
        decide_tenant(decider, suspend, command_id="c3")

    assert decide_tenant(decider, create, command_id="c3").events


def test_command_ids_of_two_tenants_are_two_commands(decider: Decider) -> None:
    decide_tenant(decider, create, command_id="c1")
    other = decider.transact(
        tenant.stream(OTHER),
        tenant.initial,
        tenant.evolve,
        partial(tenant.create, tenant_id=OTHER),
        tenant_id=OTHER,
        command_id="c1",
    )

    assert other.events


def test_i11_a_stream_of_another_tenant_looks_empty(decider: Decider) -> None:
    decide_tenant(decider, create)
    seen = []

    def look(state: tenant.State) -> tuple[Event, ...]:
        seen.append(state)
        return ()

    found = decider.transact(
        tenant.stream(TENANT), tenant.initial, tenant.evolve, look, tenant_id=OTHER
    )
    assert seen == [tenant.initial]
    assert found.position is None


def add_domain(decider: Decider, tenant_id: str, domain_id: str, name: str) -> Decided:
    return decider.transact(
        sending_domain.stream(domain_id),
        sending_domain.initial,
        sending_domain.evolve,
        partial(sending_domain.add, tenant_id=tenant_id, domain_id=domain_id, domain=name),
        tenant_id=tenant_id,
        reservations=[Reservation("domain", name)],
    )


def test_a_reserved_value_belongs_to_one_stream_whoever_asks(decider: Decider) -> None:
    add_domain(decider, TENANT, "dom_1", "example.org")

    for tenant_id in (TENANT, OTHER):
        with pytest.raises(Taken, match=r"domain: 'example\.org' is in use"):
            add_domain(decider, tenant_id, "dom_2", "example.org")
    assert add_domain(decider, TENANT, "dom_1", "example.org").events == ()
    assert add_domain(decider, OTHER, "dom_2", "example.net").events


def test_a_refused_reservation_keeps_no_event(decider: Decider) -> None:
    add_domain(decider, TENANT, "dom_1", "example.org")
    with pytest.raises(Taken):
        add_domain(decider, TENANT, "dom_2", "example.org")

    assert add_domain(decider, TENANT, "dom_2", "example.com").events


def test_decisions_at_the_same_time_all_count(decider: Decider) -> None:
    """Threads that keep changing one stream lose no change: the cap ends at the sum."""
    add_ip(decider)
    threads = [threading.Thread(target=raise_cap, args=(decider, 5)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert state_of_ip(decider).caps == {"*": 4 * 5}


def add_ip(decider: Decider) -> None:
    egress = sending_ip.Egress("127.0.0.1")
    decide_ip(decider, partial(sending_ip.add, tenant_id=TENANT, ip="ip_1", egress=egress))


def decide_ip(decider: Decider, decide: Callable[[sending_ip.State], tuple[Event, ...]]) -> Decided:
    return decider.transact(
        sending_ip.stream("ip_1"),
        sending_ip.initial,
        sending_ip.evolve,
        decide,
        tenant_id=TENANT,
    )


def state_of_ip(decider: Decider) -> sending_ip.State:
    seen = []

    def look(state: sending_ip.State) -> tuple[Event, ...]:
        seen.append(state)
        return ()

    decide_ip(decider, look)
    return seen[-1]


def one_more(state: sending_ip.State) -> tuple[Event, ...]:
    cap = (state.caps["*"] or 0) + 1
    return sending_ip.set_cap(state, provider="*", cap_per_day=cap, reason="a test")


def raise_cap(decider: Decider, times: int) -> None:
    done = 0
    while done < times:
        try:
            decide_ip(decider, one_more)
            done += 1
        except ConcurrentAppend:
            continue


def test_one_command_given_twice_at_once_decides_once(decider: Decider) -> None:
    add_ip(decider)
    answers: list[Decided] = []

    def give() -> None:
        answers.append(
            decider.transact(
                sending_ip.stream("ip_1"),
                sending_ip.initial,
                sending_ip.evolve,
                one_more,
                tenant_id=TENANT,
                command_id="once",
            )
        )

    threads = [threading.Thread(target=give) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.answered for answer in answers) == [False, True, True, True]
    assert len({answer.position for answer in answers}) == 1


def test_a_long_stream_folds_to_the_same_state(decider: Decider) -> None:
    """Longer than what a snapshot spares."""
    add_ip(decider)
    many = [
        sending_ip.SendingIpCapSet(
            tenant_id=TENANT, ip="ip_1", provider=f"p{n % 7}", cap_per_day=n, reason="a test"
        )
        for n in range(150)
    ]
    for _ in range(3):
        decide_ip(decider, lambda _: tuple(many))
    last = decide_ip(decider, one_more)
    again = decide_ip(decider, lambda _: ())

    state = state_of_ip(decider)
    assert state.caps == {"*": 1} | {f"p{n % 7}": n for n in range(143, 150)}
    assert state.ip == "ip_1"
    assert again.position == last.position
