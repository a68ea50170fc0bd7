"""Contact fatigue at the claim: nobody gets more mail of all campaigns than the tenant wants."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from adapters import postgres
from domain import fatigue
from domain.fatigue import Fatigue
from domain.ids import new_id
from streams.dispatching import claim_fatigue
from streams.dispatching.claim import Claims, Slice
from streams.dispatching.claim_fatigue import Attempt, charge
from streams.dispatching.dots import Dots
from streams.dispatching.outcomes import Outbox
from streams.dispatching.skeletons import Skeletons
from streams.dispatching.slice import Sending, SliceRun
from tests import pipeline_world as world
from tests.dispatch_kit import ACCEPTED, MemoryJournal, MemoryLog, PlainRenderer, ScriptedLanes
from tests.pipeline_world import Released
from tests.schedule_kit import rows

pytestmark = pytest.mark.stack

PEOPLE = [f"a{number}@gmail.test" for number in range(8)]
HOUR = timedelta(hours=1)


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Any]:
    async with postgres.pool(dsn, "pm_dispatcher", size_max=8) as found:
        yield found


@pytest.fixture
def claims(pool: Any) -> Claims:
    return Claims(
        pool,
        Skeletons(lambda _: PlainRenderer()),
        id_key="tests",
        owner="owner",
        journal="host/boot/file",
        slice_deadline_s=60.0,
        freshness_max_s=10.0,
    )


@pytest.fixture
def first(dsn: str) -> Released:
    return world.release(dsn, PEOPLE)


def limit(dsn: str, per_day: int, gap_h: int) -> None:
    world.change(
        dsn, "UPDATE pipeline.tenant SET fatigue_per_day = %s, fatigue_gap_h = %s", per_day, gap_h
    )


def more(dsn: str, first: Released, **changes: Any) -> Released:
    """Another campaign to the same people."""
    return world.release_to(dsn, first.tenant, first.contacts, **changes)


async def take(claims: Claims, released: Released) -> Slice:
    taken = await claims.take(released.hint, secrets.token_hex(8))
    assert taken
    return taken


def mailed(taken: Slice) -> list[str]:
    return [one.contact_id for one in taken.recipients if one.put_off is None]


def age(dsn: str, by: timedelta) -> None:
    """So much time passes for everybody's mail."""
    world.change(
        dsn,
        "UPDATE vault.contact_burden SET until ="
        " (SELECT array_agg(at - %s ORDER BY at) FROM unnest(until) AS at)",
        by,
    )


async def test_without_a_limit_nobody_is_counted(dsn: str, claims: Claims, first: Released) -> None:
    taken = await take(claims, first)

    assert mailed(taken) == first.contacts
    assert rows(dsn, "SELECT count(*) FROM vault.contact_burden") == [(0,)]


async def test_of_two_campaigns_claimed_at_once_each_contact_gets_one(
    dsn: str, claims: Claims, first: Released
) -> None:
    limit(dsn, 1, 0)
    releases = [first, *(more(dsn, first) for _ in range(5))]

    taken = await asyncio.gather(*(take(claims, released) for released in releases))

    assert Counter(name for slice_ in taken for name in mailed(slice_)) == Counter(first.contacts)
    put_off = [one.put_off for slice_ in taken for one in slice_.recipients if one.put_off]
    assert len(put_off) == 5 * len(PEOPLE)
    assert {one.last for one in put_off} == {False}


async def test_many_claims_at_once_never_exceed_the_limit_whatever_their_order(
    dsn: str, claims: Claims, first: Released
) -> None:
    limit(dsn, 3, 0)
    shuffled = random.Random(7)
    releases = [first]
    for _ in range(9):
        people = shuffled.sample(first.contacts, k=5)
        releases.append(world.release_to(dsn, first.tenant, people))

    taken = await asyncio.gather(*(take(claims, released) for released in releases))

    asked = Counter(name for slice_ in taken for name in (r.contact_id for r in slice_.recipients))
    got = Counter(name for slice_ in taken for name in mailed(slice_))
    assert got == Counter({name: min(3, times) for name, times in asked.items()})


async def test_two_mails_are_hours_apart_and_two_a_day_at_most(
    dsn: str, claims: Claims, first: Released
) -> None:
    limit(dsn, 2, 4)
    got = [len(mailed(await take(claims, first)))]
    waits = []
    for passed in (HOUR, 3 * HOUR + timedelta(minutes=2), 5 * HOUR, 15 * HOUR):
        age(dsn, passed)
        taken = await take(claims, more(dsn, first))
        got.append(len(mailed(taken)))
        waits += [one.put_off.wait_s for one in taken.recipients[:1] if one.put_off]

    assert got == [8, 0, 8, 0, 8]
    assert 3 * 3600 < waits[0] <= 3 * 3600 + 120  # what is left of four hours
    assert 14 * 3600 < waits[1] <= 15 * 3600  # until the first is a day old


async def test_a_claim_repeated_with_its_token_counts_once(
    dsn: str, claims: Claims, first: Released
) -> None:
    limit(dsn, 1, 4)

    one = await claims.take(first.hint, "mine")
    again = await claims.take(first.hint, "mine")

    assert one
    assert again
    assert mailed(one) == mailed(again) == first.contacts
    assert rows(dsn, "SELECT DISTINCT cardinality(until) FROM vault.contact_burden") == [(1,)]


async def test_a_claim_that_is_not_won_counts_nobody(
    dsn: str, claims: Claims, first: Released
) -> None:
    limit(dsn, 1, 4)
    world.change(dsn, "UPDATE pipeline.campaign SET state = 'paused'")

    assert await claims.take(first.hint, "mine") is None
    assert rows(dsn, "SELECT count(*) FROM vault.contact_burden") == [(0,)]


async def test_transactional_mail_neither_counts_nor_waits(
    dsn: str, claims: Claims, first: Released
) -> None:
    limit(dsn, 1, 4)
    before = await take(claims, more(dsn, first, message_class="transactional"))
    marketing = await take(claims, first)
    after = await take(claims, more(dsn, first, message_class="transactional"))

    assert [len(mailed(taken)) for taken in (before, marketing, after)] == [8, 8, 8]


async def test_who_gets_no_mail_anyway_is_not_counted(
    dsn: str, claims: Claims, first: Released
) -> None:
    limit(dsn, 1, 4)
    world.change(
        dsn,
        "INSERT INTO vault.suppression VALUES (%s, %s, 'complaint', now())",
        first.tenant.tenant_id,
        first.contacts[3],
    )

    await take(claims, first)

    counted = {name for (name,) in rows(dsn, "SELECT contact_id FROM vault.contact_burden")}
    assert counted == set(first.contacts) - {first.contacts[3]}


async def test_i6_who_had_enough_is_put_off_without_an_attempt_and_at_last_given_up(
    dsn: str, claims: Claims, first: Released
) -> None:
    limit(dsn, 1, 4)
    few = [world.release_to(dsn, first.tenant, first.contacts[:1]) for _ in range(2)]
    await take(claims, first)
    world.change(
        dsn,
        "UPDATE vault.contact_burden SET (delays, delayed_at) ="
        " (SELECT array_agg(%s || '/' || n), array_agg(now()) FROM generate_series(11, 13) AS n)",
        few[1].batch_id,
    )

    logs = [await bring(await take(claims, released)) for released in few]

    (put_off,), (given_up,) = (log.results for log in logs)
    assert (put_off["outcome"], put_off["reason"]) == ("deferred", fatigue.REASON)
    assert 23 * 3600 < put_off["retry_after_s"] <= 24 * 3600 + 120
    assert "phase" not in put_off
    assert (given_up["outcome"], given_up["reason"]) == ("suppressed", fatigue.REASON)
    assert [log.started for log in logs] == [[], []]


async def bring(taken: Slice) -> MemoryLog:
    """Bring a slice to its end; all that the log was told."""
    log, dots = MemoryLog(), Dots(MemoryJournal())
    outbox = Outbox(log)
    sending = Sending(
        started_log=log,
        outbox=outbox,
        lanes=ScriptedLanes(dots, lambda _: ACCEPTED),
        resolver=world.ScriptedResolver({"gmail.test": world.mx("google")}),
        dots=dots,
        owner="test",
        id_key="tests",
    )
    writing = asyncio.create_task(outbox.run())
    await SliceRun(sending, taken).bring(asyncio.Event())
    writing.cancel()
    return log


# ---- the statement itself, against the rule


async def charged(
    pool: Any, found: Fatigue, attempt: Attempt, contacts: Sequence[str]
) -> dict[str, claim_fatigue.Delay]:
    async with pool.connection() as conn, postgres.tenant_tx(conn, "ten_a"):
        return await charge(conn, found, attempt, contacts)


def attempt(n: int = 1, batch_id: str = "", in_s: float = 60) -> Attempt:
    until = datetime.now(UTC) + timedelta(seconds=in_s)
    return Attempt(batch_id or new_id("bat"), n, until)


def burden(dsn: str, mails: dict[str, list[datetime]]) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn, conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO vault.contact_burden (tenant_id, contact_id, batches, until)"
            " VALUES ('ten_a', %s, %s, %s)",
            [(name, [new_id("bat") for _ in ats], ats) for name, ats in mails.items()],
        )


LIMITS = (Fatigue(2, 4), Fatigue(1, 0), Fatigue(4, 0), Fatigue(3, 30), Fatigue(5, 1))


async def test_the_statement_lets_through_whom_the_rule_does(dsn: str, pool: Any) -> None:
    drawn, now = random.Random(11), datetime.now(UTC)
    for place, found in enumerate(LIMITS):
        mails = {
            f"con_{place}_{number}": [
                now - timedelta(minutes=30 + 60 * drawn.randrange(0, 35))
                for _ in range(drawn.randrange(0, 7))
            ]
            for number in range(150)
        }
        burden(dsn, mails)
        moments = {name: fatigue.allowed_at(found, ats) for name, ats in mails.items()}
        held = {name: at for name, at in moments.items() if at and at > now}

        delays = await charged(pool, found, attempt(), list(mails))

        assert delays.keys() == held.keys()
        for name, delay in delays.items():
            left_s = (held[name] - now).total_seconds()
            assert left_s - fatigue.GRAIN_S < delay.wait_s <= left_s + fatigue.GRAIN_S


async def test_a_mail_that_is_tried_again_is_not_held_back_by_itself(dsn: str, pool: Any) -> None:
    found, mine = Fatigue(1, 4), attempt()
    again = attempt(2, mine.batch_id, in_s=1800)
    await charged(pool, found, mine, ["con_a"])

    delays = await charged(pool, found, again, ["con_a"])

    assert delays == {}
    ((until,),) = rows(dsn, "SELECT until FROM vault.contact_burden")
    assert until == [again.until]


async def test_after_three_delays_a_send_is_given_up(pool: Any) -> None:
    found, mine = Fatigue(1, 4), new_id("bat")
    await charged(pool, found, attempt(), ["con_a"])

    delays = [await charged(pool, found, attempt(n, mine), ["con_a"]) for n in (1, 2, 2, 3, 4)]

    assert [delay["con_a"].last for delay in delays] == [False, False, False, False, True]


async def test_delays_of_other_sends_do_not_count(pool: Any) -> None:
    found = Fatigue(1, 4)
    await charged(pool, found, attempt(), ["con_a"])

    for _ in range(5):
        assert not (await charged(pool, found, attempt(), ["con_a"]))["con_a"].last
