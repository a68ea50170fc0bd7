"""A block told as 5xx: each attempt follows a definite one, and the fourth is the last."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest

from adapters import postgres
from domain.ports import Message, Phase, Reply
from domain.sending import SliceReleased
from tests import pipeline_world as world
from tests.dispatch_desk_kit import Desk, desks, until
from tests.release_kit import World, slices
from tests.schedule_kit import KeptLog, apply, change, recorded, rows, waiting_of

pytestmark = pytest.mark.stack
BLOCK = Reply(Phase.DOT, 550, "5.7.1 Service unavailable, client host blocked by policy")
UNKNOWN_USER = Reply(Phase.DOT, 550, "5.1.1 User unknown")


def answer(message: Message) -> Reply:
    return BLOCK if message.index else UNKNOWN_USER


async def test_i4_i12_a_blocked_send_is_attempted_four_times_each_after_a_definite_answer(
    dsn: str,
) -> None:
    """An address that is not there ends with its first attempt, beside it in the same slice."""
    released = world.release(dsn, ["gone@gmail.test", "kept@gmail.test"])
    seen, hint = [], released.hint
    async with desks(dsn) as make:
        for n in range(1, 5):
            desk = make(answer)
            await desk.dispatcher.take(hint)
            note = ("concluded", hint.release_id)
            await until(partial(desk.journal.notes.__contains__, note))
            seen.append(desk.outcomes.outcomes)
            await fold_twice(dsn, desk)
            assert waiting_of(dsn) == ({(released.batch_id, n + 1): [[1, 2]]} if n < 4 else {})
            if n < 4:
                hint = await next_hint(dsn)

    blocked = ("deferred", "REPUTATION_BLOCK")
    assert seen == [
        {0: ("rejected", "INVALID_RECIPIENT"), 1: blocked},
        {1: blocked},
        {1: blocked},
        {1: ("rejected", "REPUTATION_BLOCK")},
    ]
    assert rows(dsn, "SELECT n, count(*) FROM pipeline.release GROUP BY n ORDER BY n") == [
        *((n, 1) for n in range(1, 5)),
    ]


async def fold_twice(dsn: str, desk: Desk) -> None:
    """What the dispatcher told, as the schedule reads it, and once more."""
    drafts = [*desk.started.drafts, *desk.outcomes.drafts]
    told = [recorded(one.event, datetime.now(UTC)) for one in drafts]
    async with await postgres.connect(dsn, "pm_projector") as conn:
        await apply(conn, told)
        await apply(conn, told)


async def next_hint(dsn: str) -> SliceReleased:
    """The retry becomes due, and is released once."""
    change(dsn, "UPDATE pipeline.waiting SET due_at = now()")
    log = KeptLog()
    async with World(dsn).releaser(log) as releaser:
        for _ in range(3):
            await releaser.tick()
    (hint,) = slices(log)
    return hint
