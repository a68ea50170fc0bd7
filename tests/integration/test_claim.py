"""The claim on real Postgres: one winner, and no winner where nothing may leave now."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, LiteralString

import psycopg
import pytest

from adapters import postgres
from domain.courtesy import Courtesy
from domain.governor.draft import fresh
from streams.dispatching.claim import Claims, Slice
from streams.dispatching.skeletons import Brief, Skeletons
from tests import pipeline_world as world
from tests.dispatch_kit import PlainRenderer

pytestmark = pytest.mark.stack


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Any]:
    async with postgres.pool(dsn, "pm_dispatcher", size_max=8) as found:
        yield found


@pytest.fixture
def briefs() -> list[Brief]:
    return []


@pytest.fixture
def claims(pool: Any, briefs: list[Brief]) -> Claims:
    def compile_brief(brief: Brief) -> PlainRenderer:
        briefs.append(brief)
        return PlainRenderer()

    return Claims(
        pool,
        Skeletons(compile_brief),
        id_key="tests",
        owner="owner",
        journal="host/boot/file",
        slice_deadline_s=60.0,
        freshness_max_s=10.0,
    )


@pytest.fixture
def released(dsn: str) -> world.Released:
    return world.release(dsn, [f"a{number}@gmail.test" for number in range(5)])


async def take(claims: Claims, released: world.Released, token: str = "") -> Slice | None:
    return await claims.take(released.hint, token or secrets.token_hex(8))


async def test_i4_of_many_claimers_at_once_exactly_one_wins(
    claims: Claims, released: world.Released
) -> None:
    taken = await asyncio.gather(*(take(claims, released) for _ in range(24)))

    assert sum(slice_ is not None for slice_ in taken) == 1


async def test_a_claim_gives_the_row_the_recipients_and_the_compiled_message(
    claims: Claims, released: world.Released, briefs: list[Brief]
) -> None:
    before = time.monotonic()

    taken = await take(claims, released)

    assert taken
    assert taken.release.indexes == [[0, 5]]
    assert (taken.release.ip, taken.release.n) == (released.tenant.ip, 1)
    assert [recipient.contact_id for recipient in taken.recipients] == released.contacts
    assert taken.recipients[0].address == "a0@gmail.test"
    assert before < taken.deadline <= time.monotonic() + 60
    (brief,) = briefs
    assert (brief.sender_address, brief.sender_name) == ("news@sender.test", "News")
    assert [(key.selector, key.private_key) for key in brief.keys] == [("pm1", b"secret")]


async def test_a_claim_whose_answer_got_lost_is_taken_again_with_its_token(
    claims: Claims, released: world.Released
) -> None:
    first = await take(claims, released, "mine")

    again, other = await take(claims, released, "mine"), await take(claims, released, "other")

    assert first
    assert again
    assert again.release.deadline_at == first.release.deadline_at
    assert other is None
    assert await claims.owned(released.hint, "other") is None
    assert await claims.owned(released.hint, "mine")


async def test_a_campaign_is_compiled_once(
    claims: Claims, released: world.Released, briefs: list[Brief]
) -> None:
    await take(claims, released, "mine")
    await take(claims, released, "mine")

    assert len(briefs) == 1


_BREAKER = "INSERT INTO pipeline.volume_breaker SELECT "
_SINCE = "NULL, 1, 'test', '2026-03-02 12:00:00.000001+00' FROM pipeline.release"
_PLAN = (
    "WITH plan AS (INSERT INTO pipeline.warmup SELECT ip, '*', 'standard' FROM pipeline.release) "
)
_PROBE = (
    "WITH probe AS (UPDATE pipeline.release SET uses ="
    " ARRAY['probe:tenant/' || tenant_id || '/1772452800000001:']) "
)
REFUSALS: dict[str, LiteralString] = {
    "campaign paused": "UPDATE pipeline.campaign SET state = 'paused'",
    "campaign cancelled": "UPDATE pipeline.campaign SET state = 'cancelled'",
    "tenant suspended": "UPDATE pipeline.tenant SET may_send = false",
    "tenant unknown": "DELETE FROM pipeline.tenant",
    "lease ended": "UPDATE pipeline.release SET lease_until = clock_timestamp()",
    "withdrawn": "UPDATE pipeline.release SET state = 'withdrawn'",
    "gate closed": "UPDATE pipeline.gate SET open = false",
    "gate of another incarnation": "UPDATE pipeline.gate SET incarnation = 'before'",
    "another stack holds send authority": "UPDATE pipeline.gate SET holder = 'stk_other'",
    "released in an earlier epoch": "UPDATE pipeline.gate SET epoch = epoch + 1",
    "stale checks": "UPDATE app.freshness SET caught_up_at = now() - interval '11 seconds'",
    "never caught up": "DELETE FROM app.freshness",
    "batch parked": "UPDATE pipeline.batch SET parked = 'poison'",
    "IP retired": "UPDATE pipeline.ip SET gone = true",
    "IP in quarantine": "UPDATE pipeline.ip SET quarantined = true",
    "its VPS out of service": "UPDATE pipeline.ip SET vps_serves = false",
    "cap day over": "UPDATE pipeline.release SET cap_day = cap_day - 1",
    "breaker of the campaign open": _BREAKER + "'campaign', campaign_id, '', 'open', " + _SINCE,
    "breaker of the tenant half open": _BREAKER + "'tenant', tenant_id, '', 'half', " + _SINCE,
    "breaker of the IP blocked": _BREAKER + "'ip', ip, '', 'blocked', " + _SINCE,
    "breaker of the cell open": _PLAN + _BREAKER + "'cell', ip, provider, 'open', " + _SINCE,
    "breaker of the domain open": _BREAKER  # noqa: S608 - constants
    + "'domain', (SELECT domain_id FROM pipeline.campaign), provider, 'open', "
    + _SINCE,
}
ALLOWED: dict[str, LiteralString] = {
    "it is the probe of a half-open breaker": _PROBE
    + _BREAKER
    + "'tenant', tenant_id, '', 'half', "
    + _SINCE,
    "the breaker closed": _BREAKER + "'tenant', tenant_id, '', 'closed', " + _SINCE,
    "the cell's IP is governed no more": _BREAKER + "'cell', ip, provider, 'open', " + _SINCE,
}


async def test_a_claim_tells_how_many_connections_the_governor_lets_its_cell_take(
    dsn: str, claims: Claims, released: world.Released
) -> None:
    seen = []
    pace = "SELECT ip, provider, 40, 3, 7, 'test', now() FROM pipeline.release"
    for step in (
        "SELECT",
        "INSERT INTO pipeline.warmup SELECT ip, '*', 'standard' FROM pipeline.release",
        "INSERT INTO pipeline.volume_rate " + pace,
    ):
        world.change(dsn, step)
        taken = await take(claims, released, "mine")
        assert taken
        seen.append(taken.release.courtesy)

    cell = f"{released.hint.ip}/{released.hint.provider}"
    at_first = fresh("", "cell", "", released.hint.provider, None).pace
    assert seen == [
        None,
        Courtesy(cell, 1, at_first.per_connection),
        Courtesy(cell, 3, 7),
    ]


@pytest.mark.parametrize("why", ALLOWED)
async def test_a_slice_is_claimed_though_there_is_a_breaker_when(
    why: str, dsn: str, claims: Claims, released: world.Released
) -> None:
    world.change(dsn, ALLOWED[why])

    assert await take(claims, released) is not None


@pytest.mark.parametrize("cause", REFUSALS)
async def test_nothing_is_claimed_when(
    cause: str, dsn: str, claims: Claims, released: world.Released
) -> None:
    world.change(dsn, REFUSALS[cause])

    refused = await take(claims, released)
    with psycopg.connect(dsn) as conn:
        state = conn.execute("SELECT state, token FROM pipeline.release").fetchone()

    assert refused is None
    assert state in {("released", ""), ("withdrawn", "")}


async def test_i11_a_claim_reaches_no_other_tenants_release(
    dsn: str, claims: Claims, released: world.Released
) -> None:
    stranger = world.release(dsn, ["b@gmail.test"])
    forged = replace(stranger.hint, release_id=released.release_id)

    taken = await claims.take(forged, "mine")

    assert taken is None


async def test_i7_the_deadline_ends_before_the_cap_day(
    dsn: str, pool: Any, released: world.Released
) -> None:
    slow = Claims(
        pool,
        Skeletons(lambda _: PlainRenderer()),
        id_key="tests",
        owner="",
        journal="",
        slice_deadline_s=3 * 86400.0,
        freshness_max_s=10.0,
    )

    taken = await take(slow, released)
    with psycopg.connect(dsn) as conn:
        (day_ends,) = conn.execute(
            "SELECT (cap_day + 1)::timestamp AT TIME ZONE 'UTC' FROM pipeline.release"
        ).fetchone() or (None,)

    assert taken
    assert taken.release.deadline_at == day_ends


async def test_erased_and_suppressed_contacts_are_seen_by_the_claim(
    dsn: str, claims: Claims, released: world.Released
) -> None:
    erased, suppressed = released.contacts[1], released.contacts[3]
    world.change(
        dsn,
        "UPDATE vault.contact SET address = NULL, address_key = NULL, domain = ''"
        " WHERE contact_id = %s",
        erased,
    )
    world.change(
        dsn,
        "INSERT INTO vault.suppression VALUES (%s, %s, 'complaint', now())",
        released.tenant.tenant_id,
        suppressed,
    )

    taken = await take(claims, released)

    assert taken
    assert [r.index for r in taken.recipients if r.address is None] == [1]
    assert [(r.index, r.suppressed) for r in taken.recipients if r.suppressed] == [(3, "complaint")]


async def test_a_key_that_waits_or_is_on_its_way_out_signs_nothing(
    dsn: str, claims: Claims, released: world.Released
) -> None:
    world.change(dsn, "UPDATE vault.signing_key SET state = 'retiring'")
    taken = await take(claims, released)

    assert taken
    assert taken.renderer is None


async def test_without_its_signing_key_a_campaign_is_not_sent_unsigned(
    dsn: str, claims: Claims, released: world.Released
) -> None:
    world.change(dsn, "DELETE FROM vault.signing_key")

    taken = await take(claims, released)

    assert taken
    assert taken.renderer is None
