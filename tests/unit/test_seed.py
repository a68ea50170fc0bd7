"""What `penguin seed` makes up: exact in its sums, the same each time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.message.template_file import parse_template
from domain.ids import deriver
from domain.sending import OutcomesRecorded, SliceStarted
from ops.errors import Usage
from ops.seed import sends
from ops.seed.filling import TEMPLATE
from ops.seed.shape import Shape, Share, check, shares
from ops.seed.world import World

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CONTENT = parse_template(TEMPLATE)


def world(share: Share) -> World:
    return World(share, CONTENT, NOW, lambda prefix, *parts: deriver(b"k", prefix)(*parts))


@given(st.integers(1, 40), st.integers(40, 500), st.integers(0, 3000))
def test_shares_add_up_to_what_was_asked_for(tenants: int, leads: int, mails: int) -> None:
    found = list(shares(Shape(tenants, leads, mails)))

    assert len(found) == tenants
    assert sum(share.leads for share in found) == leads
    assert sum(sum(share.campaigns) for share in found) == mails
    assert all(size <= share.leads for share in found for size in share.campaigns)


@given(st.integers(1, 1200))
def test_each_send_of_a_campaign_has_one_end_and_is_started_but_for_the_suppressed(
    size: int,
) -> None:
    made = world(Share(1, size, (size,)))
    mailing = made.mailings[0]
    records = [draft.event for draft in sends.attempted(made, mailing)]
    ended = [
        (event.batch_id, index, result["outcome"])
        for event in records
        if isinstance(event, OutcomesRecorded)
        for result in event.results
        if result["outcome"] != "deferred"
        for start, end in result["ranges"]
        for index in range(start, end)
    ]
    started = {
        (event.batch_id, index)
        for event in records
        if isinstance(event, SliceStarted)
        for start, end in event.ranges
        for index in range(start, end)
    }

    assert len({(batch, index) for batch, index, _ in ended}) == len(ended) == size
    assert started == {(batch, at) for batch, at, outcome in ended if outcome != "suppressed"}
    assert sum(sends.outcomes(made, mailing).values()) == size


def test_making_it_up_again_gives_the_same_ids() -> None:
    one, other = (world(Share(3, 120, (120, 30))) for _ in range(2))

    assert [d.meta.id for m in one.mailings for d in sends.requested(one, m)] == [
        d.meta.id for m in other.mailings for d in sends.requested(other, m)
    ]
    streams = [wanted.stream_id for wanted in one.wanted(sends.outcomes)]
    assert streams == [w.stream_id for w in other.wanted(sends.outcomes)]
    assert len(set(streams)) == len(streams)


@pytest.mark.parametrize("shape", [Shape(0, 1, 1), Shape(10, 9, 1), Shape(1, 1, -1)])
def test_what_cannot_be_is_refused(shape: Shape) -> None:
    with pytest.raises(Usage, match="--"):
        check(shape)
