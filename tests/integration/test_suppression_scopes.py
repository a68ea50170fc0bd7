"""Suppression in its four scopes: from the event through the fold to the claim of queued mail."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters import postgres
from adapters.settings import Settings
from domain.platform import PLATFORM
from domain.suppression import (
    ContactSuppressed,
    SuppressionLifted,
    address_hasher,
    hash_key,
)
from streams.dispatching.agent import DispatcherDeps, dispatcher_of
from streams.dispatching.claim import Claims
from streams.dispatching.dots import Dots
from streams.dispatching.outcomes import Outbox
from streams.dispatching.skeletons import Skeletons
from tests import pipeline_world as world
from tests.dispatch_kit import MemoryJournal, MemoryLog, PlainRenderer, ScriptedLanes
from tests.schedule_kit import apply, recorded, rows

pytestmark = pytest.mark.stack

ID_KEY = "tests"
hashed = address_hasher(ID_KEY)
WORKSPACE = "wsp_a"


@pytest.fixture
def released(dsn: str) -> world.Released:
    """A released batch of three, of a bulk campaign in WORKSPACE: planned, not claimed."""
    made = world.release(dsn, [f"a{number}@gmail.test" for number in range(3)])
    world.change(dsn, "UPDATE pipeline.campaign SET workspace_id = %s", WORKSPACE)
    return made


@pytest.fixture
async def claims(dsn: str) -> AsyncIterator[Claims]:
    async with postgres.pool(dsn, "pm_dispatcher") as pool:
        yield Claims(
            pool,
            Skeletons(lambda _: PlainRenderer()),
            id_key=ID_KEY,
            owner="owner",
            journal="host/boot/file",
            slice_deadline_s=60.0,
            freshness_max_s=10.0,
        )


async def tell(dsn: str, *events: Any) -> None:
    """Fold them as the schedule's reader does."""
    async with await postgres.connect(dsn, "pm_projector") as conn:
        await apply(conn, [recorded(event) for event in events])


def event(made: world.Released, scope: str, target: str, **changes: Any) -> ContactSuppressed:
    """The second contact of the batch, suppressed in this scope."""
    everywhere = scope == "platform"
    fields: dict[str, Any] = {
        "tenant_id": PLATFORM if everywhere else made.tenant.tenant_id,
        "contact_id": "" if everywhere else made.contacts[1],
        "reason": "manual",
        "evidence": "a test",
        "scope": scope,
        "target": target,
        "address_hash": hashed("a1@gmail.test"),
    }
    return ContactSuppressed(**(fields | changes))


async def suppressed(claims: Claims, made: world.Released) -> list[str | None]:
    """What a claim says of each recipient, in order."""
    taken = await claims.take(made.hint, secrets.token_hex(8))
    assert taken
    return [recipient.suppressed for recipient in taken.recipients]


HITS = {
    "platform": ("platform", "", "platform:manual"),
    "tenant": ("tenant", "", "manual"),
    "workspace": ("workspace", WORKSPACE, "workspace:manual"),
    "message class": ("message_class", "bulk", "message_class:manual"),
}
MISSES = {
    "another workspace": ("workspace", "wsp_b"),
    "another message class": ("message_class", "transactional"),
}


@pytest.mark.parametrize("name", HITS)
async def test_queued_mail_is_held_back_from_who_is_suppressed_after_it_was_planned(
    name: str, dsn: str, claims: Claims, released: world.Released
) -> None:
    scope, target, reason = HITS[name]

    await tell(dsn, event(released, scope, target))

    assert await suppressed(claims, released) == [None, reason, None]


@pytest.mark.parametrize("name", MISSES)
async def test_a_suppression_reaches_no_further_than_its_scope(
    name: str, dsn: str, claims: Claims, released: world.Released
) -> None:
    await tell(dsn, event(released, *MISSES[name]))

    assert await suppressed(claims, released) == [None, None, None]


@pytest.mark.parametrize("name", HITS)
async def test_what_is_lifted_in_a_scope_holds_nothing_back(
    name: str, dsn: str, claims: Claims, released: world.Released
) -> None:
    told = event(released, *HITS[name][:2])
    lifted = SuppressionLifted(
        tenant_id=told.tenant_id,
        contact_id=told.contact_id,
        reason="a test",
        scope=told.scope,
        target=told.target,
        address_hash=told.address_hash,
    )

    await tell(dsn, told, lifted)

    assert await suppressed(claims, released) == [None, None, None]


async def test_the_widest_scope_that_holds_is_named_and_each_send_stands_there_once(
    dsn: str, claims: Claims, released: world.Released
) -> None:
    await tell(dsn, *(event(released, scope, target) for scope, target, _ in HITS.values()))

    assert await suppressed(claims, released) == [None, "platform:manual", None]


async def test_lifting_one_scope_leaves_the_others(
    dsn: str, claims: Claims, released: world.Released
) -> None:
    await tell(dsn, event(released, "tenant", ""), event(released, "workspace", WORKSPACE))
    await tell(
        dsn,
        SuppressionLifted(
            tenant_id=released.tenant.tenant_id, contact_id=released.contacts[1], reason="a test"
        ),
    )

    assert await suppressed(claims, released) == [None, "workspace:manual", None]


async def test_a_suppression_of_version_1_names_the_contact_alone_and_holds(
    dsn: str, claims: Claims, released: world.Released
) -> None:
    await tell(dsn, event(released, "tenant", "", address_hash=""))

    assert await suppressed(claims, released) == [None, "manual", None]


async def test_a_suppression_that_another_installation_hashed_holds_by_its_contact(
    dsn: str, claims: Claims, released: world.Released
) -> None:
    """A tenant that was moved here brings hashes made with another key."""
    await tell(dsn, event(released, "tenant", "", address_hash="ab" * 32))

    assert await suppressed(claims, released) == [None, "manual", None]


async def test_who_was_erased_and_imported_again_stays_suppressed(
    dsn: str, claims: Claims, released: world.Released
) -> None:
    """The new contact has another id; the address's keyed hash is the same (I10)."""
    await tell(dsn, event(released, "tenant", "", contact_id="lea_of_before_the_erasure"))

    assert await suppressed(claims, released) == [None, "manual", None]


async def test_i11_a_suppression_of_one_tenant_says_nothing_to_another(
    dsn: str, claims: Claims, released: world.Released
) -> None:
    await tell(dsn, event(released, "tenant", "", tenant_id="ten_other", contact_id="lea_other"))

    assert await suppressed(claims, released) == [None, None, None]


def test_postgres_and_python_hash_an_address_alike(dsn: str) -> None:
    address = "Jörg.O'Hara+news@xn--bcher-kva.example"

    found = rows(
        dsn, "SELECT encode(vault.address_hash(%s, %s), 'hex')", address.lower(), hash_key(ID_KEY)
    )

    assert found == [(hashed(address),)]
    assert hashed(address) != address_hasher("another key")(address)


async def test_a_suppressed_send_ends_as_suppressed_and_never_reaches_the_wire(
    dsn: str, released: world.Released
) -> None:
    """From the claim to the outcome in the log; the scope is in its reason."""
    settings = Settings(id_key=ID_KEY)
    await tell(dsn, event(released, "platform", ""))
    journal, log = MemoryJournal(), MemoryLog()
    dots = Dots(journal)
    lanes, outbox = ScriptedLanes(dots), Outbox(log)
    async with postgres.pool(dsn, "pm_dispatcher") as pool:
        deps = DispatcherDeps(
            pool=pool,
            started_log=log,
            outcomes_log=log,
            lanes=lanes,
            resolver=world.ScriptedResolver({"gmail.test": world.mx("google")}),
            compile=lambda _: PlainRenderer(),
            dots=dots,
            owner="test",
            letters=world.NoLetters(),
        )
        dispatcher = dispatcher_of(settings, deps, outbox)
        telling = asyncio.create_task(outbox.run())
        await dispatcher.take(released.hint)
        end = time.monotonic() + 10
        while ("concluded", released.release_id) not in journal.notes:
            assert time.monotonic() < end, "the slice was not concluded in time"
            await asyncio.sleep(0.005)
        telling.cancel()

    assert log.outcomes[1] == ("suppressed", "platform:manual")
    assert [message.index for message in lanes.wire] == [0, 2]
