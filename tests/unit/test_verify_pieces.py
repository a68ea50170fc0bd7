"""The pieces of the proof: states of sends, sets of indexes, packed ids."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.event import Event
from domain.ids import encode
from domain.sending import Outcome, rank, state_of
from ops.verify import bits
from ops.verify.send_ids import PackedIds, SeenIds
from ops.verify.states import states
from tests.verify_kit import (
    SIZE,
    fold,
    outcomes,
    planned,
    records,
    snd,
    started,
)

FACTS = st.tuples(
    st.sampled_from([*Outcome, "started"]),
    st.integers(1, 3),
    st.sets(st.integers(0, SIZE - 1), min_size=1),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(FACTS, max_size=12))
def test_states_are_those_that_rank_gives(facts: list[tuple[str, int, set[int]]]) -> None:
    """The sets of `states` equal the maximum of domain.sending.rank, send by send."""
    events: list[Event] = [planned()]
    weights = [[rank(1, 1)] for _ in range(SIZE)]
    for number, (kind, n, members) in enumerate(facts):
        ranges = [[index, index + 1] for index in members]
        if kind == "started":
            events.append(started(f"rel_{number}", n, ranges))
        else:
            events.append(outcomes({kind: ranges}, f"rel_{number}", n))
        for index in members:
            weights[index].append(rank(5 if kind == "started" else Outcome(kind), n))

    found = states(fold(records(*events)).batches["bat_1"])

    expected = Counter(state_of(max(weight)) for weight in weights)
    assert {state: members.bit_count() for state, members in found.items()} == expected
    for index, weight in enumerate(weights):
        assert found[state_of(max(weight))] >> index & 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 40)), max_size=10))
def test_bits_are_the_indexes_of_the_ranges(spans: list[tuple[int, int]]) -> None:
    ranges = [[start, start + size] for start, size in spans]
    members = {index for start, stop in ranges for index in range(start, stop)}

    assert list(bits.each(bits.of_ranges(ranges))) == sorted(members)


WELL_FORMED = st.binary(min_size=16, max_size=16).map(lambda raw: encode("snd", raw))
ANY_TEXT = st.text(st.characters(codec="ascii", exclude_characters="\n"), max_size=35)
ALMOST = st.text("abcz234567_snd01AZ", min_size=26, max_size=26).map(lambda text: f"snd_{text}")


@settings(max_examples=100, deadline=None)
@given(st.lists(WELL_FORMED, max_size=9) | st.lists(WELL_FORMED | ANY_TEXT | ALMOST, max_size=5))
def test_packed_ids_come_out_as_they_went_in(ids: list[str]) -> None:
    packed = PackedIds(ids)

    assert list(packed) == ids
    assert [packed[index] for index in range(len(ids))] == ids
    assert packed == PackedIds(list(ids))
    assert packed[len(ids)] == f"#{len(ids)}"


def test_packed_ids_take_little_more_than_sixteen_bytes() -> None:
    assert len(PackedIds([snd(n) for n in range(500)])._data) == 8125


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 60), max_size=20), max_size=6))
def test_ids_seen_more_than_once_are_found(batches: list[list[int]]) -> None:
    seen = SeenIds()
    for batch in batches:
        seen.add([snd(n) for n in batch])

    counts = Counter(n for batch in batches for n in batch)

    assert seen.repeated() == {hash(snd(n)) for n, times in counts.items() if times > 1}
