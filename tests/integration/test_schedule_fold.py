"""The schedule's rows on real Postgres: what is folded from the log, whatever it looks like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from adapters import postgres
from domain.event import Recorded
from domain.sending import AmbiguityResolved
from projections.fold import Connection
from tests.pipeline_world import Tenant
from tests.schedule_history import history_of, reading_of
from tests.schedule_kit import (
    DAY,
    LONG_AGO,
    apply,
    change,
    ended,
    fold,
    outcomes,
    planned,
    recorded,
    release_id_of,
    result,
    rows,
    started,
    waiting_of,
)

pytestmark = pytest.mark.stack

TENANT = Tenant("ten_a", "lst_a", "ip_a")


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    """As the schedule's reader."""
    async with await postgres.connect(dsn, "pm_projector") as found:
        yield found


def schedule_rows(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows that facts about batches make."""
    return {
        "batch": rows(dsn, "SELECT * FROM pipeline.batch ORDER BY 1"),
        "sets": rows(
            dsn,
            "SELECT * FROM pipeline.attempt_set WHERE NOT (isempty(scheduled) AND isempty(started)"
            " AND isempty(concluded)) ORDER BY batch_id, n",
        ),
        "waiting": rows(dsn, "SELECT * FROM pipeline.waiting ORDER BY batch_id, n, due_at"),
        "deferral": rows(dsn, "SELECT * FROM pipeline.deferral ORDER BY batch_id, n"),
        "release": rows(
            dsn,
            "SELECT release_id, state, number, ranges, folded, charged FROM pipeline.release"
            " ORDER BY release_id",
        ),
        "cap": rows(dsn, "SELECT * FROM pipeline.cap ORDER BY 1, 2, 3"),
    }


def polls(dice: Random, records: list[Recorded]) -> list[list[Recorded]]:
    found: list[list[Recorded]] = [[]]
    for record in records:
        if dice.random() < 0.3:
            found.append([])
        found[-1].append(record)
    return found


async def test_i9_rows_do_not_depend_on_order_repetition_or_the_size_of_polls(
    dsn: str, conn: Connection
) -> None:
    for seed in range(25):
        dice = Random(seed)
        history = history_of(dice)
        await apply(conn, history.as_it_happened)
        as_it_happened = schedule_rows(dsn)
        _empty(dsn)

        for poll in polls(dice, reading_of(dice, history)):
            await apply(conn, poll)

        assert schedule_rows(dsn) == as_it_happened, f"seed {seed}"
        _empty(dsn)


def _empty(dsn: str) -> None:
    change(
        dsn,
        "TRUNCATE pipeline.batch, pipeline.attempt_set, pipeline.waiting, pipeline.release,"
        " pipeline.cap, pipeline.deferral",
    )


# ---- retries: I4


async def test_i4_a_deferred_send_waits_once_for_the_next_attempt(
    dsn: str, conn: Connection
) -> None:
    deferred = recorded(outcomes("bat_a", [result("deferred", [[0, 2]])]))
    await apply(conn, [recorded(planned("bat_a", 3)), recorded(started("bat_a", [[0, 3]]))])

    for _ in range(3):
        await apply(conn, [deferred, deferred])

    assert waiting_of(dsn) == {("bat_a", 2): [[0, 2]]}
    assert rows(dsn, "SELECT count(*) FROM pipeline.waiting") == [(1,)]


async def test_who_has_no_domain_waits_6_hours_and_is_known_to_have_been_looked_for(
    dsn: str, conn: Connection
) -> None:
    """What a next hop says of a domain is no look of ours, and waits as any other answer."""
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    looked = result("deferred", [[0, 2]], "BAD_DOMAIN")
    looked["retry_after_s"] = 6 * 3600
    said = result("deferred", [[2, 3]], "BAD_DOMAIN")
    said |= {"phase": "rcpt", "code": 450}
    told = [recorded(planned("bat_a", 3)), recorded(outcomes("bat_a", [looked, said]), at)]
    for _ in range(2):
        await apply(conn, told)

    assert rows(
        dsn, "SELECT absent::text FROM pipeline.attempt_set ORDER BY n"
    ) == [("{[0,2)}",), ("{}",)]  # fmt: skip
    due = dict(rows(dsn, "SELECT ranges::text, due_at FROM pipeline.waiting"))
    assert due["{[0,2)}"] - at >= timedelta(hours=6)
    assert due["{[2,3)}"] - at < timedelta(hours=1)


async def test_i4_an_ambiguous_send_is_never_attempted_again(dsn: str, conn: Connection) -> None:
    await apply(conn, [recorded(planned("bat_a", 2)), recorded(started("bat_a", [[0, 2]]))])

    await apply(conn, [recorded(outcomes("bat_a", [result("ambiguous", [[0, 2]])]))])

    assert waiting_of(dsn) == {}
    assert rows(dsn, "SELECT state FROM pipeline.release") == [("concluded",)]


async def test_a_definite_outcome_after_an_ambiguous_one_counts_and_is_retried_once(
    dsn: str, conn: Connection
) -> None:
    await apply(conn, [recorded(planned("bat_a", 2)), recorded(started("bat_a", [[0, 2]]))])
    await apply(conn, [recorded(outcomes("bat_a", [result("ambiguous", [[0, 2]])]))])

    late = recorded(outcomes("bat_a", [result("deferred", [[1, 2]])]))
    await apply(conn, [late])
    await apply(conn, [late, recorded(outcomes("bat_a", [result("ambiguous", [[1, 2]])]))])

    assert waiting_of(dsn) == {("bat_a", 2): [[1, 2]]}
    assert rows(dsn, "SELECT ambiguous::text FROM pipeline.attempt_set WHERE n = 1") == [
        ("{[0,1)}",)
    ]


async def test_evidence_that_an_ambiguous_send_was_not_taken_makes_one_retry(
    dsn: str, conn: Connection
) -> None:
    await apply(conn, [recorded(planned("bat_a", 1)), recorded(started("bat_a", [[0, 1]]))])
    await apply(conn, [recorded(outcomes("bat_a", [result("ambiguous", [[0, 1]])]))])
    evidence = AmbiguityResolved(
        batch_id="bat_a",
        tenant_id="ten_a",
        campaign_id="cmp_a",
        n=1,
        ip="ip_a",
        ranges=[[0, 1]],
        outcome="deferred",
        evidence="relay log",
    )

    await apply(conn, [recorded(evidence), recorded(evidence)])

    assert waiting_of(dsn) == {("bat_a", 2): [[0, 1]]}


async def test_own_faults_come_back_in_seconds_and_smtp_delays_are_scaled(
    dsn: str, conn: Connection
) -> None:
    await apply(conn, [recorded(planned("bat_a", 2))])
    results = [
        result("deferred", [[0, 1]], "OWN_FAULT"),
        result("deferred", [[1, 2]], "GREYLIST"),
    ]

    await apply(conn, [recorded(outcomes("bat_a", results))], scale=1 / 300)

    due = dict(rows(dsn, "SELECT lower(ranges), due_at FROM pipeline.waiting WHERE n = 2"))
    assert timedelta(seconds=1.6) <= due[0] - LONG_AGO <= timedelta(seconds=3)
    assert timedelta(seconds=0.8) <= due[1] - LONG_AGO <= timedelta(seconds=2)


# ---- releases and caps


async def test_a_start_is_charged_once_and_takes_the_reservation_back(
    dsn: str, conn: Connection
) -> None:
    await apply(conn, [recorded(planned("bat_a", 5))])
    release(dsn, [[0, 5]], state="started")

    start = recorded(started("bat_a", [[0, 4]]))  # the fifth was suppressed at the claim
    await apply(conn, [start, start])
    await apply(conn, [start])

    assert rows(dsn, "SELECT started, reserved FROM pipeline.cap") == [(4, 0)]
    assert rows(dsn, "SELECT state, charged, folded FROM pipeline.release") == [("started", 0, 4)]


def release(dsn: str, ranges: list[list[int]], *, state: str = "released", number: int = 1) -> str:
    """A release of batch bat_a as the releaser makes it; its id."""
    release_id = release_id_of("bat_a", 1, number)
    size = sum(stop - start for start, stop in ranges)
    text = "{" + ",".join(f"[{start},{stop})" for start, stop in ranges) + "}"
    change(
        dsn,
        "INSERT INTO pipeline.release (release_id, batch_id, n, number, tenant_id, campaign_id,"
        " provider, priority, ip, ranges, size, due_at, state, cap_day, lease_until, charged)"
        " VALUES (%s, 'bat_a', 1, %s, 'ten_a', 'cmp_a', 'google', 'normal', 'ip_a',"
        " %s::int4multirange, %s, %s, %s, %s, now(), %s)",
        *(release_id, number, text, size, LONG_AGO, state, DAY, size),
    )
    change(
        dsn,
        "INSERT INTO pipeline.cap VALUES ('ip_a', 'google', %s, 0, %s) ON CONFLICT"
        " (ip, provider, day) DO UPDATE SET reserved = cap.reserved + excluded.reserved",
        *(DAY, size),
    )
    change(dsn, "UPDATE pipeline.waiting SET ranges = ranges - %s::int4multirange", text)
    change(dsn, "DELETE FROM pipeline.waiting WHERE isempty(ranges)")
    change(dsn, "UPDATE pipeline.waiting SET size = pipeline.sends(ranges)")
    return release_id


async def test_a_slice_without_any_attempt_gives_its_charge_back(
    dsn: str, conn: Connection
) -> None:
    await apply(conn, [recorded(planned("bat_a", 2))])
    release(dsn, [[0, 2]], state="started")

    results = [result("suppressed", [[0, 1]]), result("cancelled", [[1, 2]])]
    await apply(conn, [recorded(outcomes("bat_a", results))])

    assert rows(dsn, "SELECT started, reserved FROM pipeline.cap") == [(0, 0)]
    assert rows(dsn, "SELECT state FROM pipeline.release") == [("concluded",)]


async def test_a_slice_that_may_have_been_started_keeps_its_charge(
    dsn: str, conn: Connection
) -> None:
    await apply(conn, [recorded(planned("bat_a", 2))])
    release(dsn, [[0, 2]], state="started")

    swept = outcomes("bat_a", [result("deferred", [[0, 2]], "OWN_FAULT")], source="sweeper")
    await apply(conn, [recorded(swept)])

    assert rows(dsn, "SELECT started, reserved FROM pipeline.cap") == [(0, 2)]


async def test_i4_a_restored_postgres_learns_what_was_started_and_voids_its_old_releases(
    dsn: str, conn: Connection
) -> None:
    """It knows release 1 as unclaimed; in what it forgot, 1 was withdrawn and 2 was started."""
    await apply(conn, [recorded(planned("bat_a", 6))])
    release(dsn, [[0, 4]])

    await apply(conn, [recorded(started("bat_a", [[0, 3]], number=2))])

    found = rows(dsn, "SELECT number, state, charged FROM pipeline.release ORDER BY number")
    assert found == [(1, "withdrawn", 0), (2, "started", 0)]
    assert waiting_of(dsn) == {("bat_a", 1): [[3, 6]]}
    assert rows(dsn, "SELECT started, reserved FROM pipeline.cap") == [(3, 0)]


async def test_a_restored_postgres_takes_its_own_unclaimed_release_for_started(
    dsn: str, conn: Connection
) -> None:
    await apply(conn, [recorded(planned("bat_a", 4))])
    release(dsn, [[0, 4]])

    await apply(conn, [recorded(started("bat_a", [[0, 4]]))])

    assert rows(dsn, "SELECT state, journal FROM pipeline.release") == [
        ("started", "host/boot/file")
    ]


async def test_an_ending_is_concluded_by_its_own_record(dsn: str, conn: Connection) -> None:
    await apply(conn, [recorded(planned("bat_a", 2))])
    release(dsn, [[0, 2]], state="ending")

    await apply(conn, [recorded(ended("bat_a", [[0, 2]]))])

    assert rows(dsn, "SELECT state FROM pipeline.release") == [("concluded",)]


async def test_a_poll_of_many_batches_takes_few_statements(dsn: str, conn: Connection) -> None:
    """300 batches of 500: a statement per batch would take far longer than this."""
    batches = [planned(f"bat_{number}", 500) for number in range(300)]

    await apply(conn, [recorded(batch) for batch in batches])
    await apply(conn, [recorded(started(batch.batch_id, [[0, 500]])) for batch in batches])

    assert rows(dsn, "SELECT started FROM pipeline.cap") == [(150_000,)]
    assert waiting_of(dsn) == {}


# ---- poison


async def test_poison_parks_its_batch_before_and_after_the_batch_is_known(
    dsn: str, conn: Connection
) -> None:
    await apply(conn, [recorded(planned("bat_a", 1))])

    for batch_id in ("bat_a", "bat_b"):
        await fold().poisoned(conn, batch_id, "undecodable")
        await fold().poisoned(conn, batch_id, "again")
    await apply(conn, [recorded(planned("bat_b", 1))])

    found = rows(dsn, "SELECT batch_id, parked FROM pipeline.batch ORDER BY 1")
    assert found == [("bat_a", "undecodable"), ("bat_b", "undecodable")]


async def test_a_batch_that_cannot_be_is_refused(conn: Connection) -> None:
    with pytest.raises(ValueError, match="500"):
        await apply(conn, [recorded(planned("bat_a", 501))])
    with pytest.raises(ValueError, match="urgent"):
        await apply(conn, [recorded(planned("bat_a", 1, priority="urgent"))])
    with pytest.raises(ValueError, match="range"):
        await apply(conn, [recorded(started("bat_a", [[0, 501]]))])
