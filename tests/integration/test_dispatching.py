"""From a hint to the last outcome, claims on real Postgres, ports by twins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from domain.ports import Message, Phase, Reply
from domain.sending import SliceReleased
from streams.dispatching import slice as slice_module
from tests import pipeline_world as world
from tests.dispatch_desk_kit import Make, desks, until
from tests.dispatch_kit import ACCEPTED, ScriptedLanes

pytestmark = pytest.mark.stack

OWN_FAULT = ("deferred", "OWN_FAULT")
UNKNOWN = ("ambiguous", "AMBIGUOUS")
TAKEN = ("accepted", "ACCEPTED")


@pytest.fixture
async def make(dsn: str) -> AsyncIterator[Make]:
    """Makes dispatchers; `answer` scripts the peer."""
    async with desks(dsn) as one:
        yield one


async def test_i5_a_slice_is_in_the_log_before_the_wire_and_each_send_is_told_once(
    dsn: str, make: Make
) -> None:
    released = world.release(dsn, [f"a{number}@gmail.test" for number in range(50)])
    known_at_the_dot: list[int] = []

    def answer(_: Message) -> Reply:
        known_at_the_dot.append(len(desk.started.started))
        return ACCEPTED

    desk = make(answer)

    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    (started,) = desk.started.started
    assert started.ranges == [[0, 50]]
    assert (started.journal, started.cap_per_day) == (desk.journal.name, 1000)
    assert set(known_at_the_dot) == {1}
    assert desk.outcomes.outcomes == dict.fromkeys(range(50), TAKEN)
    assert len(desk.lanes.wire) == 50


async def test_i5_without_acknowledgement_of_the_start_nothing_reaches_the_wire(
    dsn: str, make: Make
) -> None:
    released = world.release(dsn, ["a@gmail.test", "b@gmail.test"])
    desk = make()
    desk.started.away = 1

    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    assert desk.lanes.wire == []
    assert desk.outcomes.outcomes == {0: OWN_FAULT, 1: OWN_FAULT}


async def test_who_must_not_or_cannot_be_mailed_is_concluded_without_being_started(
    dsn: str, make: Make
) -> None:
    addresses = ["a@gmail.test", "b@nomail.test", "c@silent.test", "d@gmail.test", "e@gmail.test"]
    released = world.release(dsn, addresses)
    world.change(
        dsn,
        "INSERT INTO vault.suppression VALUES (%s, %s, 'complaint', now())",
        released.tenant.tenant_id,
        released.contacts[3],
    )
    world.change(
        dsn, "UPDATE vault.contact SET address = NULL WHERE contact_id = %s", released.contacts[4]
    )
    desk = make()

    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    (started,) = desk.started.started
    assert started.ranges == [[0, 1]]
    assert desk.outcomes.outcomes == {
        0: TAKEN,
        1: ("rejected", "BAD_DOMAIN"),
        2: ("deferred", "INFRA"),
        3: ("suppressed", "complaint"),
        4: ("cancelled", "erased"),
    }


async def test_a_recipient_whom_the_vault_lost_is_our_fault_and_not_an_erasure(
    dsn: str, make: Make
) -> None:
    """An older vault was restored: the send waits, nobody says that the contact is gone."""
    released = world.release(dsn, ["a@gmail.test", "b@gmail.test"])
    world.change(dsn, "DELETE FROM vault.audience WHERE idx = 1")
    desk = make()

    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    assert desk.outcomes.outcomes == {0: TAKEN, 1: ("deferred", "OWN_FAULT")}


async def test_with_a_relay_every_recipient_goes_to_it(dsn: str, make: Make) -> None:
    released = world.release(dsn, ["a@silent.test", "b@nomail.test"], route="relay")
    desk = make()

    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    assert desk.outcomes.outcomes == {0: TAKEN, 1: TAKEN}


async def test_one_mail_that_cannot_be_made_stops_no_other(dsn: str, make: Make) -> None:
    released = world.release(dsn, ["a@gmail.test", "bad@gmail.test", "bug@gmail.test"])
    desk = make()

    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    assert desk.outcomes.outcomes == {0: TAKEN, 1: ("rejected", "CONTENT"), 2: OWN_FAULT}


async def test_replies_become_outcomes_and_equal_ones_share_a_result(dsn: str, make: Make) -> None:
    released = world.release(dsn, [f"a{number}@gmail.test" for number in range(6)])
    replies = {
        0: Reply(Phase.DOT, 451, "4.7.1 try again in 300 seconds"),
        1: Reply(Phase.RCPT, 550, "5.1.1 user unknown"),
        2: Reply(Phase.DOT, 0, "connection lost"),
    }
    desk = make(lambda message: replies.get(message.index, ACCEPTED))

    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    found = desk.outcomes.outcomes
    assert (found[0][0], found[1], found[2]) == (
        "deferred",
        ("rejected", "INVALID_RECIPIENT"),
        UNKNOWN,
    )
    accepted = [result for result in desk.outcomes.results if result["outcome"] == "accepted"]
    assert [(result["ranges"], result["code"]) for result in accepted] == [([[3, 6]], 250)]


async def test_at_the_deadline_the_owner_concludes_and_no_dot_follows(
    dsn: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lane that stalls: dotted and unanswered is ambiguous, never dotted is deferred."""
    monkeypatch.setattr(slice_module, "DEADLINE_GRACE_S", 0.05)
    released = world.release(dsn, ["a@gmail.test", "b@gmail.test", "c@gmail.test"])
    desk = make(lambda message: None if message.index == 0 else ACCEPTED, slice_deadline_s=0.3)
    stalled = _StallingFrom(desk.lanes, 1)
    object.__setattr__(desk.dispatcher._sending, "lanes", stalled)

    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    assert desk.outcomes.outcomes == {0: UNKNOWN, 1: OWN_FAULT, 2: OWN_FAULT}
    with pytest.raises(OSError, match=released.release_id):
        desk.deps.dots.dotted(released.release_id, 1)


class _StallingFrom:
    """Lanes that break their promise: indexes from `first` on are never reported."""

    def __init__(self, lanes: ScriptedLanes, first: int) -> None:
        self._lanes, self._first = lanes, first

    async def deliver(self, consignment: Any, report: Any) -> None:
        kept = [index for index in consignment.indexes if index < self._first]
        await self._lanes.deliver(replace(consignment, indexes=kept), report)

    async def close(self) -> None:
        await self._lanes.close()


async def test_a_lane_that_fails_leaves_no_send_open(dsn: str, make: Make) -> None:
    def fail_at_one(message: Message) -> Reply:
        if message.index == 1:
            raise RuntimeError("a bug after the dot")
        return ACCEPTED

    released = world.release(dsn, ["a@gmail.test", "b@gmail.test"])
    desk = make(fail_at_one)

    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    assert desk.outcomes.outcomes == {0: TAKEN, 1: UNKNOWN}


async def test_outcomes_are_told_again_under_the_same_id_until_the_log_has_them(
    dsn: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.dispatching.outcomes.APPEND_AGAIN_AFTER_S", 0.01)
    released = world.release(dsn, ["a@gmail.test"])
    desk = make()
    desk.outcomes.away = 3

    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    assert len(desk.outcomes.asked) == 4
    assert len({draft.meta.id for draft in desk.outcomes.asked}) == 1
    assert desk.outcomes.outcomes == {0: TAKEN}


async def test_nothing_of_a_paused_campaign_is_sent(dsn: str, make: Make) -> None:
    released = world.release(dsn, ["a@gmail.test"])
    world.change(dsn, "UPDATE pipeline.campaign SET state = 'paused'")
    desk = make()

    await desk.dispatcher.take(released.hint)
    await until(lambda: not desk.dispatcher._running)

    assert (desk.lanes.wire, desk.started.drafts, desk.outcomes.drafts) == ([], [], [])


async def test_i4_the_same_hint_twice_is_sent_once(dsn: str, make: Make) -> None:
    released = world.release(dsn, ["a@gmail.test"])
    desk = make()

    for _ in range(3):
        await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)
    await desk.dispatcher.take(released.hint)
    await until(lambda: not desk.dispatcher._running)

    assert len(desk.lanes.wire) == 1


async def test_a_drain_ends_what_was_claimed_and_claims_nothing_more(dsn: str, make: Make) -> None:
    first, second = (world.release(dsn, [f"{name}@gmail.test"]) for name in "ab")
    desk = make()
    desk.lanes.hold.clear()
    await desk.dispatcher.take(first.hint)
    await until(lambda: bool(desk.started.started))

    draining = asyncio.create_task(desk.dispatcher.drain())
    await asyncio.sleep(0)
    await desk.dispatcher.take(second.hint)
    desk.lanes.hold.set()
    await draining

    assert desk.outcomes.outcomes == {0: TAKEN}
    assert [started.release_id for started in desk.started.started] == [first.release_id]


async def test_a_drain_that_takes_too_long_defers_what_was_not_dotted(
    dsn: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is ambiguous: first dots are forbidden, and replies to those written still count."""
    monkeypatch.setattr("streams.dispatching.dispatcher.DRAIN_DOTS_S", 0.05)
    monkeypatch.setattr("streams.dispatching.dispatcher.DRAIN_MAX_S", 5.0)
    released = world.release(dsn, ["a@gmail.test", "b@gmail.test"])
    desk = make()
    desk.lanes.hold.clear()
    await desk.dispatcher.take(released.hint)
    await until(lambda: bool(desk.started.started))

    draining = asyncio.create_task(desk.dispatcher.drain())
    await until(lambda: desk.deps.dots._forbidden)
    desk.lanes.hold.set()
    await draining

    assert desk.lanes.wire == []
    assert desk.outcomes.outcomes == {0: OWN_FAULT, 1: OWN_FAULT}


async def test_a_claim_whose_answer_got_lost_is_concluded_even_if_it_may_not_be_sent_now(
    dsn: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = world.release(dsn, ["a@gmail.test"])
    desk = make()
    take, lost = desk.dispatcher._claims.take, 1

    async def losing(hint: SliceReleased, token: str) -> Any:
        nonlocal lost
        taken = await take(hint, token)
        if lost:
            lost -= 1
            world.change(dsn, "UPDATE pipeline.campaign SET state = 'paused'")
            raise psycopg.OperationalError("the connection is lost")
        return taken

    monkeypatch.setattr(desk.dispatcher._claims, "take", losing)
    await desk.dispatcher.take(released.hint)
    await desk.until_settled(released)

    assert desk.lanes.wire == []
    assert desk.outcomes.outcomes == {0: OWN_FAULT}


@pytest.mark.parametrize(("full_from", "starts"), [("begin", 0), ("dotted", 1)])
async def test_without_its_dot_journal_a_process_sends_nothing_more_and_asks_to_end(
    dsn: str, make: Make, full_from: str, starts: int
) -> None:
    first, second = (world.release(dsn, [f"{name}@gmail.test"]) for name in "ab")
    asked: list[bool] = []
    desk = make()
    desk.journal.full_from = full_from
    desk.dispatcher._ask_to_stop = lambda: asked.append(True)

    await desk.dispatcher.take(first.hint)
    await desk.until_settled(first)
    await desk.dispatcher.take(second.hint)
    await desk.dispatcher.take(second.hint)

    assert desk.lanes.wire == []
    assert desk.outcomes.outcomes == {0: OWN_FAULT}
    assert [started.release_id for started in desk.started.started] == [first.release_id] * starts
    assert asked == [True]
