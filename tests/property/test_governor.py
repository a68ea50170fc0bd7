"""What holds of the governor whatever happens, in whatever order."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.event import Event
from domain.governor import State, allowance, decode, encode, initial, limits, step
from domain.governor.events import BreakerClosed, BreakerOpened, QuotaSet
from domain.governor.inputs import Input, Started, Ticked
from domain.governor.state import Cell, Gate, Status
from tests.governor_kit import (
    DAY,
    HOUR,
    IPS,
    PROVIDERS,
    START,
    Run,
    blocked,
    history,
    minute,
    scopes,
    taken,
)

SEEDS = st.integers(0, 2**32)


def states(seed: int, length: int = 40) -> list[tuple[State, tuple[Event, ...]]]:
    """The state after each input, with what it decided."""
    found: list[tuple[State, tuple[Event, ...]]] = [(initial, ())]
    for event in history(Random(seed), length):
        found.append(step(found[-1][0], event))
    return found


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_tokens_and_quota_headroom_are_never_negative(seed: int) -> None:
    for state, _ in states(seed):
        for cell in state.cells.values():
            assert cell.pace.tokens >= 0
            assert cell.quota > 0
            assert cell.breaker.probes >= 0
        for ip in IPS:
            assert allowance(state, scopes(ip), state.now_s + HOUR).count >= 0


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_nothing_may_leave_while_a_breaker_is_open_except_its_probes(seed: int) -> None:
    for state, _ in states(seed):
        for ip, provider in ((ip, provider) for ip in IPS for provider in PROVIDERS):
            where = scopes(ip, provider)
            touched: list[Cell | Gate] = [
                scope
                for key, scope in (state.cells | state.gates).items()
                if key in {f"cell:{ip}:{provider}", f"domain:dom_a:{provider}", f"ip:{ip}"}
                or key in {"campaign:cmp_a", "tenant:ten_a"}
            ]
            allowed = allowance(state, where, state.now_s + DAY).count
            for scope in touched:
                if scope.breaker.status in {Status.OPEN, Status.BLOCKED}:
                    assert allowed == 0
                elif scope.breaker.status is Status.HALF:
                    assert allowed <= scope.breaker.probes <= 5


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_a_quota_never_rises_at_the_end_of_a_day_with_a_block(seed: int) -> None:
    block_days = set()
    for state, decided in states(seed, 90):
        for event in decided:
            if isinstance(event, BreakerOpened) and event.rule == "blocked":
                block_days.add((event.scope, event.scope_id, event.provider, state.now_s // DAY))
            if isinstance(event, QuotaSet) and event.new > event.old:
                ended = event.decided_at.timestamp() // DAY - 1
                for day in (ended, ended + 1):
                    where = (event.scope, event.scope_id, event.provider, day)
                    assert where not in block_days or event.rule == "ordered"


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_replaying_the_same_log_gives_the_same_bytes_wherever_it_is_resumed(seed: int) -> None:
    dice = Random(seed)
    log = list(history(Random(seed), 60))
    cut = dice.randrange(len(log))

    straight, first, second = initial, list[Event](), list[Event]()
    for event in log:
        straight, decided = step(straight, event)
        first += decided
    resumed = initial
    for event in log[:cut]:
        resumed, decided = step(resumed, event)
        second += decided
    resumed = decode(encode(resumed))
    for event in log[cut:]:
        resumed, decided = step(resumed, event)
        second += decided

    assert encode(resumed) == encode(straight)
    assert second == first


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_a_step_changes_nothing_of_the_state_it_was_given(seed: int) -> None:
    state = initial
    for event in history(Random(seed), 40):
        before = encode(state)
        after, _ = step(state, event)
        assert encode(state) == before
        state = after


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_what_may_leave_is_the_least_that_any_scope_allows(seed: int) -> None:
    for state, _ in states(seed, 40):
        found = [limit.count for limit in limits(state, scopes(), state.now_s + HOUR)]
        assert allowance(state, scopes(), state.now_s + HOUR).count == min(found)


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_two_ips_at_one_provider_keep_separate_cells(seed: int) -> None:
    """What happens to one IP alone leaves the bytes of the other's cell as they were."""
    run = Run()
    run.send(START, *taken(30), to=scopes("ip_b"))
    others = encode(State(0, {"b": run.state.cells["cell:ip_b:yahoo"]}))
    for event in history(Random(seed), 40):
        where = getattr(event, "scopes", None)
        if where is not None and where.ip == "ip_a":
            run.tell(event)

    day = run.state.cells["cell:ip_b:yahoo"].day
    assert encode(State(0, {"b": run.state.cells["cell:ip_b:yahoo"]})) == others
    assert day == START // DAY


@given(SEEDS, st.integers(1, 3 * DAY))
@settings(max_examples=25, deadline=None)
def test_a_clock_that_jumps_back_makes_no_quota_grow(seed: int, back_s: int) -> None:
    dice = Random(seed)
    run = Run()
    now = run.good_days(dice.randint(1, 5))
    run.send(now + HOUR, *taken(dice.randint(1, 500)))
    before = encode(run.state)

    decided = run.tell(*(Ticked(now + HOUR + 1 - dice.randint(1, back_s)) for _ in range(5)))

    assert not decided
    assert encode(run.state) == before


@given(st.lists(st.integers(1, 60), max_size=20))
@settings(max_examples=25, deadline=None)
def test_how_often_the_clock_ticks_changes_no_quota(steps: list[int]) -> None:
    often, seldom = Run(), Run()
    for run in (often, seldom):
        run.send(START, *taken(300))
    at = START
    for minutes in steps:
        at += minutes * 60
        often.tell(Ticked(at))
    for run in (often, seldom):
        run.tell(Ticked(START + 3 * DAY))

    assert encode(often.state) == encode(seldom.state)


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_opened_and_closed_take_turns(seed: int) -> None:
    """No breaker is told open twice without having been probed or closed, but to be blocked."""
    run = Run()
    for event in history(Random(seed), 80):
        run.tell(event)
    shut = set()
    for told in run.decided:
        if isinstance(told, BreakerClosed):
            where = (told.scope, told.scope_id, told.provider)
            assert where in shut
            shut.discard(where)
        elif isinstance(told, BreakerOpened):
            shut.add((told.scope, told.scope_id, told.provider))


def test_what_left_beyond_the_tokens_is_waited_for() -> None:
    run = Run()
    run.tell(Started(START, scopes(), 100))

    assert run.cell().pace.tokens == 0
    assert run.allowed(START + HOUR) == 0
    run.tell(Ticked(START + 3 * HOUR))
    assert run.allowed(START + 4 * HOUR) > 0


def test_two_ips_hitting_the_same_rule_open_and_count_apart() -> None:
    """KumoMTA keys overrides by rule and site: a second IP overwrites the first one's."""
    run = Run()
    run.send(START, *blocked(), to=scopes("ip_a"))
    run.send(START + HOUR, *blocked(), to=scopes("ip_b"))

    first, second = (run.state.cells[f"cell:{ip}:yahoo"].breaker for ip in IPS)
    assert (first.status, second.status) == (Status.OPEN, Status.OPEN)
    assert second.until_s - first.until_s == HOUR
    run.tell(Ticked(first.until_s))
    assert run.state.cells["cell:ip_a:yahoo"].breaker.status is Status.HALF
    assert run.state.cells["cell:ip_b:yahoo"].breaker.status is Status.OPEN


STEP = 2.1  # the plan's factor, or a cut to half; quotas are whole numbers


def within_a_minute(dice: Random) -> tuple[State, list[Input]]:
    """A state at noon of some day, and what comes in the minute after."""
    run = Run()
    for event in history(dice, 30):
        run.tell(event)
    noon = (run.state.now_s // DAY + 1) * DAY + 12 * HOUR
    run.tell(Ticked(noon))
    return run.state, minute(dice, noon, dice.randint(2, 8))


def folded(state: State, events: list[Input]) -> State:
    for event in events:
        state, _ = step(state, event)
    return state


@pytest.mark.parametrize("seed", range(150))
def test_the_order_within_a_minute_moves_a_quota_by_one_step_at_most(seed: int) -> None:
    dice = Random(seed)
    before, window = within_a_minute(dice)
    shuffled = dice.sample(window, len(window))
    one, other = folded(before, window), folded(before, shuffled)

    assert one.cells.keys() == other.cells.keys()
    for key, cell in one.cells.items():
        low, high = sorted((cell.quota, other.cells[key].quota))
        assert high <= STEP * low


@pytest.mark.parametrize("seed", range(30))
def test_one_ip_that_hits_a_rule_leaves_the_bytes_of_another_that_did_too(seed: int) -> None:
    """Both were blocked; what the first one comes to afterwards changes nothing of the second."""
    dice = Random(seed)
    run = Run()
    for ip in IPS:
        run.send(START, *blocked(), to=scopes(ip))
    others = encode(State(0, {"b": run.state.cells["cell:ip_b:yahoo"]}))
    for event in history(dice, 30):
        where = getattr(event, "scopes", None)
        if where is not None and where.ip == "ip_a":
            run.tell(event)

    assert encode(State(0, {"b": run.state.cells["cell:ip_b:yahoo"]})) == others
