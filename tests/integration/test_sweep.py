"""Sweeping on real Postgres and real dot journals: what a dispatcher left behind is concluded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapters import dot_journal, postgres
from adapters.dot_journal import DotJournal
from domain.indexes import each
from domain.sending import OutcomesRecorded, SliceReleased
from projections.fold import Connection
from streams.sweeping import Journals, sweep, tidy
from tests.release_kit import World, slices
from tests.schedule_kit import ID_KEY, KeptLog, KnownEnds, change, outcomes, result, started

pytestmark = pytest.mark.stack

SOON_S, GRACE_S = 0.2, 20.0


@pytest.fixture
async def world(dsn: str) -> World:
    return World(dsn, KnownEnds(attempts=50))


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    async with await postgres.connect(dsn, "pm_release") as found:
        yield found


class Swept:
    """A released slice of eight that a dispatcher with a journal claimed."""

    def __init__(self, world: World, released: SliceReleased, folder: Path) -> None:
        self.world = world
        self.released = released
        self.folder = folder
        self.journal = DotJournal(folder)
        change(
            world.dsn,
            "UPDATE pipeline.release SET state = 'started', journal = %s, claimed_at = now(),"
            " deadline_at = now() + interval '60 s'",
            self.journal.name,
        )

    @property
    def _names(self) -> dict[str, Any]:
        return {"release_id": self.released.release_id, "ip": self.released.ip}

    async def start(self) -> None:
        """Its SliceStarted is in the log."""
        await self.world.tell(
            started(self.released.batch_id, [[0, 8]], journal=self.journal.name, **self._names)
        )
        change(self.world.dsn, "UPDATE pipeline.release SET deadline_at = now() + interval '60 s'")

    async def conclude(self, outcome: str, first: int, last: int) -> None:
        """The owner told an outcome itself."""
        results = [result(outcome, [[first, last + 1]])]
        await self.world.tell(outcomes(self.released.batch_id, results, **self._names))

    def note(self, index: int, code: int = 0) -> None:
        """The owner wrote a dot and, given a code, saw the reply."""
        self.journal.dotted(self.released.release_id, index)
        if code:
            self.journal.replied(self.released.release_id, index, code)

    def die(self) -> None:
        """As kill -9 does: the lock is gone, the file is there."""
        self.journal.forget()

    def overdue(self) -> None:
        """Its deadline has passed, and what a living owner is given after it."""
        change(
            self.world.dsn,
            "UPDATE pipeline.release SET deadline_at = now() - make_interval(secs => %s)",
            GRACE_S + 1,
        )


@pytest.fixture
async def swept(world: World, tmp_path: Path) -> AsyncIterator[Swept]:
    await world.campaign(await world.tenant(), [8])
    log = KeptLog()
    async with world.releaser(log) as releaser:
        await releaser.tick()
    (released,) = slices(log)
    made = Swept(world, released, tmp_path)
    yield made
    made.journal.forget()


async def turn(conn: Connection, swept: Swept, log: KeptLog) -> int:
    """One sweep."""
    return await sweep(
        conn,
        log,
        swept.world.ends,
        partial(dot_journal.inspect, swept.folder),
        id_key=ID_KEY,
        grace_s=GRACE_S,
        patience_s=SOON_S,
    )


def by_index(log: KeptLog) -> dict[int, tuple[str, str]]:
    """What was written: index → (outcome, reason)."""
    found = {}
    for event in log.take():
        assert isinstance(event, OutcomesRecorded)
        assert event.source == "sweeper"
        for one in event.results:
            for index in each(one["ranges"]):
                found[index] = one["outcome"], one["reason"]
    return found


async def test_a_dead_owners_sends_come_to_what_its_journal_says(
    conn: Connection, swept: Swept
) -> None:
    await swept.start()
    for index, code in ((1, 250), (2, 550), (3, 451), (4, 0)):
        swept.note(index, code)
    await swept.conclude("accepted", 0, 0)
    swept.die()
    log = KeptLog()

    count = await turn(conn, swept, log)

    found = by_index(log)
    assert count == 7
    assert {index: outcome for index, (outcome, _) in found.items()} == {
        1: "accepted",
        2: "rejected",
        3: "deferred",
        4: "ambiguous",
        5: "deferred",
        6: "deferred",
        7: "deferred",
    }
    assert {found[index] for index in (5, 6, 7)} == {("deferred", "OWN_FAULT")}


async def test_what_was_swept_is_not_swept_again_once_it_is_folded(
    conn: Connection, swept: Swept
) -> None:
    await swept.start()
    swept.die()
    log = KeptLog()
    await turn(conn, swept, log)
    first = list(log.drafts)
    await turn(conn, swept, log)
    again = log.drafts[len(first) :]

    await swept.world.tell(first[0].event)

    assert [draft.meta.id for draft in again] == [draft.meta.id for draft in first]
    assert await turn(conn, swept, log) == 0
    assert swept.world.waiting() == 8  # for attempt 2


async def test_a_living_owner_before_its_deadline_is_left_alone(
    conn: Connection, swept: Swept
) -> None:
    await swept.start()
    log = KeptLog()

    assert await turn(conn, swept, log) == 0
    assert log.drafts == []


async def test_of_a_living_owner_past_its_deadline_nobody_knows(
    conn: Connection, swept: Swept
) -> None:
    """It may wake up and go on: without its lock nothing is deferred."""
    await swept.start()
    swept.note(1, 250)
    swept.overdue()
    log = KeptLog()

    await turn(conn, swept, log)

    assert set(by_index(log).values()) == {("ambiguous", "AMBIGUOUS")}


@pytest.mark.parametrize("journal", ["gone", "empty", "of another boot", "damaged"])
async def test_without_a_journal_to_rely_on_nobody_knows_and_only_after_the_deadline(
    conn: Connection, swept: Swept, journal: str
) -> None:
    await swept.start()
    swept.note(1, 250)
    swept.die()
    _spoil(swept, journal)
    log = KeptLog()

    early = await turn(conn, swept, log)
    swept.overdue()
    late = await turn(conn, swept, log)

    assert (early, late) == (0, 8)
    assert set(by_index(log).values()) == {("ambiguous", "AMBIGUOUS")}


def _spoil(swept: Swept, how: str) -> None:
    if how == "gone":
        swept.journal.path.unlink()
    elif how == "empty":
        swept.journal.path.write_bytes(b"")
    elif how == "damaged":
        swept.journal.path.write_bytes(swept.journal.path.read_bytes() + b"D one\n")
    else:
        change(swept.world.dsn, "UPDATE pipeline.release SET journal = 'host/boot/file'")


async def test_i5_what_the_log_does_not_know_as_started_never_reached_the_wire(
    conn: Connection, swept: Swept
) -> None:
    """Claimed on another host, its owner gone before SliceStarted: no dot can have been written."""
    _spoil(swept, "of another boot")
    swept.overdue()
    log = KeptLog()

    await turn(conn, swept, log)

    assert set(by_index(log).values()) == {("deferred", "OWN_FAULT")}


async def test_nothing_is_swept_while_the_schedule_is_behind_the_log(
    conn: Connection, swept: Swept
) -> None:
    await swept.start()
    swept.die()
    swept.world.ends.at["pm.attempts", 0] = 51
    log = KeptLog()

    behind = await turn(conn, swept, log)
    written_behind = list(log.drafts)
    swept.world.read_up_to_the_end()
    caught_up = await turn(conn, swept, log)

    assert (behind, written_behind, caught_up) == (0, [], 8)


async def test_a_sweep_waits_for_a_schedule_that_is_about_to_catch_up(
    conn: Connection, swept: Swept
) -> None:
    """What the dead owner told last is folded meanwhile, and counts."""
    await swept.start()
    swept.die()
    swept.world.ends.at["pm.attempts", 0] = 51
    log = KeptLog()
    inspect = partial(dot_journal.inspect, swept.folder)
    sweeping = asyncio.create_task(
        sweep(conn, log, swept.world.ends, inspect, id_key=ID_KEY, patience_s=10.0)
    )

    await swept.conclude("accepted", 0, 7)
    swept.world.read_up_to_the_end()

    assert await sweeping == 0
    assert log.drafts == []


async def tidied(conn: Connection, swept: Swept) -> int:
    """One turn of tidying."""
    journals = Journals(
        partial(dot_journal.forsaken, swept.folder), partial(dot_journal.discard, swept.folder)
    )
    return await tidy(conn, swept.world.ends, journals, patience_s=SOON_S)


async def test_a_dead_owners_journal_goes_once_all_its_slices_are_concluded(
    conn: Connection, swept: Swept
) -> None:
    await swept.start()
    swept.note(1, 250)
    alive = await tidied(conn, swept)
    swept.die()
    open_slice = await tidied(conn, swept)
    kept = swept.journal.path.exists()
    await swept.conclude("accepted", 0, 7)

    assert (alive, open_slice, kept) == (0, 0, True)
    assert await tidied(conn, swept) == 1
    assert not swept.journal.path.exists()
    assert await tidied(conn, swept) == 0


async def test_a_living_owners_journal_stays_though_nothing_is_open(
    conn: Connection, swept: Swept
) -> None:
    await swept.start()
    await swept.conclude("accepted", 0, 7)

    assert await tidied(conn, swept) == 0
    assert swept.journal.path.exists()


async def test_no_journal_goes_while_the_schedule_is_behind_the_log(
    conn: Connection, swept: Swept
) -> None:
    """A slice that the schedule has not read of yet may need it."""
    await swept.start()
    await swept.conclude("accepted", 0, 7)
    swept.die()
    swept.world.ends.at["pm.attempts", 0] = 51

    assert await tidied(conn, swept) == 0
    assert swept.journal.path.exists()


async def test_i4_a_start_that_nobody_could_read_is_not_taken_for_none(
    conn: Connection, swept: Swept
) -> None:
    """Its batch is parked; what its owner may have dotted elsewhere is ambiguous, not deferred."""
    change(swept.world.dsn, "UPDATE pipeline.batch SET parked = 'poison'")
    swept.note(1, 250)
    swept.note(2)
    swept.die()
    log = KeptLog()

    await turn(conn, swept, log)

    found = by_index(log)
    assert (found[1][0], found[2][0], found[3][0]) == ("accepted", "ambiguous", "deferred")
