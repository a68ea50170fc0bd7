"""What holds of reputation whatever happens."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.governor.inputs import Complained, Ticked
from domain.outcomes import suppresses
from domain.reputation import State, decode, encode, initial, score_of, step
from domain.reputation.events import ReputationScored
from domain.reputation.weights import BANDS, band
from tests.reputation_kit import (
    DAY,
    DOMAINS,
    HOUR,
    IPS,
    PROVIDERS,
    START,
    TENANT,
    Run,
    accepted,
    after,
    counting,
    ended,
    history,
    scopes,
)

SEEDS = st.integers(0, 2**32)
SCOPES = [
    *(("cell", ip, provider) for ip in IPS for provider in PROVIDERS),
    *(("ip", ip, "") for ip in IPS),
    *(("domain", domain, "") for domain in DOMAINS),
    ("tenant", TENANT, ""),
]
RUNS = settings(max_examples=15, deadline=None)


def points(state: State) -> list[int | None]:
    return [score_of(state, *scope).points for scope in SCOPES]


@given(SEEDS)
@RUNS
def test_the_same_history_gives_the_same_bytes_also_through_bytes(seed: int) -> None:
    straight, stored = Run(), Run()
    for event in history(Random(seed), 60):
        told = straight.tell(event)
        stored.state = decode(encode(stored.state))
        assert stored.tell(event) == told
        assert encode(stored.state) == encode(straight.state)


@given(SEEDS)
@RUNS
def test_what_is_counted_within_a_minute_may_come_in_any_order(seed: int) -> None:
    dice = Random(seed)
    before = history(dice, 40)
    minute_s = before[-1].at_s // 60 * 60 + 60
    within = [counting(dice, minute_s, scopes(dice.choice(IPS)), 300) for _ in range(12)]
    runs = []
    for _ in range(2):
        run = after(*before)
        dice.shuffle(within)
        run.tell(*within)
        run.until(minute_s + 60)
        runs.append(run)
    assert encode(runs[0].state) == encode(runs[1].state)
    assert runs[0].told == runs[1].told


@given(SEEDS, st.integers(60, 9 * HOUR))
@RUNS
def test_how_often_time_is_told_changes_nothing(seed: int, every_s: int) -> None:
    events = history(Random(seed), 25)
    seldom, often = Run(), Run()
    end_s = START + 5 * DAY
    for event in [*events, Ticked(end_s)]:
        seldom.tell(event)
        while often.state.now_s and often.state.now_s + every_s < event.at_s:
            often.until(often.state.now_s + every_s)
        often.tell(event)
    assert encode(seldom.state) == encode(often.state)
    assert seldom.told == often.told


@given(SEEDS, st.integers(1, 30), st.integers(0, 10 * DAY))
@RUNS
def test_more_complaints_never_raise_a_score(seed: int, more: int, later_s: int) -> None:
    dice = Random(seed)
    events = history(dice, 50)
    place = dice.randrange(len(events))
    where = scopes(dice.choice(IPS), dice.choice(PROVIDERS), dice.choice(DOMAINS))
    worse = [*events[:place], Complained(events[place].at_s, where, more), *events[place:]]
    end = Ticked(events[-1].at_s + later_s)
    for with_them, without in zip(
        points(after(*worse, end).state), points(after(*events, end).state), strict=True
    ):
        if with_them is not None and without is not None:
            assert with_them <= without


@given(SEEDS)
@RUNS
def test_components_explain_each_score_that_is_told(seed: int) -> None:
    run = after(*history(Random(seed), 120))
    for score in run.told:
        if score.new is not None:
            taken = sum(part["penalty"] for part in score.components)
            assert score.new == max(0, (1000 - taken + 5) // 10)
            assert all(part["penalty"] >= 0 for part in score.components)


@given(SEEDS)
@RUNS
def test_a_score_is_told_when_it_moved_and_only_then(seed: int) -> None:
    run = after(*history(Random(seed), 120))
    last: dict[tuple[str, str, str], int | None] = {}
    for score in run.told:
        scope = (score.scope, score.scope_id, score.provider)
        assert score.old == last.get(scope)
        unknown = score.old is None or score.new is None
        assert unknown or _moved(score)
        last[scope] = score.new
    # What stands untold is near what was told last.
    state, _ = step(run.state, Ticked(run.state.now_s + 60))
    for scope in SCOPES:
        now = score_of(state, *scope).points
        told = _last_told(state, *scope)
        assert (now is None) == (told is None)
        if now is not None and told is not None:
            assert abs(now - told) < 2
            assert band(now) == band(told)


def _moved(score: ReputationScored) -> bool:
    assert score.old is not None
    assert score.new is not None
    far = abs(score.new - score.old) >= 2
    return far or any((score.old >= edge) != (score.new >= edge) for edge in BANDS)


def _last_told(state: State, kind: str, scope: str, provider: str) -> int | None:
    if kind == "cell":
        track = state.tracks.get(f"ip:{scope}:{provider}")
        return track.score if track else None
    owner = state.owners.get(f"{kind}:{scope}")
    return owner.score if owner else None


@given(SEEDS)
@RUNS
def test_scores_of_two_ips_do_not_touch_each_other(seed: int) -> None:
    dice = Random(seed)
    mixed = [event for event in history(dice, 80) if _of_ip(event) in {"ip_a", "ip_b"}]
    alone = [event for event in mixed if _of_ip(event) == "ip_a"]
    end = Ticked(START + 4 * DAY)
    both, one = after(*mixed, end).state, after(*alone, end).state
    for scope in (("ip", "ip_a", ""), *(("cell", "ip_a", each) for each in PROVIDERS)):
        assert score_of(both, *scope) == score_of(one, *scope)


def _of_ip(event: object) -> str:
    where = getattr(event, "scopes", None)
    return str(where.ip if where else getattr(event, "ip", ""))


@given(SEEDS)
@settings(max_examples=2, deadline=None)
def test_with_time_everything_is_forgotten(seed: int) -> None:
    events = [
        event
        for event in history(Random(seed), 40)
        if not hasattr(event, "listed") and not hasattr(event, "passed")
    ]
    run = after(*events, Ticked(START + 400 * DAY))
    assert run.state == replace(initial, now_s=START + 400 * DAY)
    for scope in {(each.scope, each.scope_id, each.provider) for each in run.told}:
        last = [s for s in run.told if (s.scope, s.scope_id, s.provider) == scope][-1]
        assert last.new is None


@given(st.sampled_from(["REPUTATION_BLOCK", "REPUTATION_DEFER", "AUTH_FAIL", "CONTENT"]))
def test_i12_a_policy_refusal_lowers_reputation_and_suppresses_nobody(reason: str) -> None:
    before = after(accepted(START, 1000))
    refused = after(accepted(START, 1000), ended(START, reason, 500))
    assert refused.points() < before.points()
    assert not suppresses(reason)
    told = refused.until(START + 60)
    assert told
    assert {type(each) for each in told} == {ReputationScored}


@given(SEEDS)
@RUNS
def test_a_state_that_someone_holds_never_changes(seed: int) -> None:
    state = initial
    for event in history(Random(seed), 30):
        before = encode(state)
        after_it, _ = step(state, event)
        assert encode(state) == before
        state = after_it
