"""The platform's own mail on its way: a campaign of high priority to one contact each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from adapters.event_store import EventStore
from adapters.identity.accounts import RESET_S
from adapters.postgres import blocking_pool
from api.commands.domains import Dns
from api.commands.system_mail import LETTERS, PipelineMail
from api.desk import Desks
from domain.ports import Letter, LetterKind
from tests.api_kit import SEALS, Zone
from tests.identity_kit import Clock
from tests.schedule_kit import rows

pytestmark = pytest.mark.stack

LETTER = Letter(LetterKind.RESET, "Canary@People.test", "https://app.test/reset#token=x", RESET_S)


@pytest.fixture
def sent(dsn: str) -> Iterator[tuple[PipelineMail, Clock]]:
    """Mail over a database of the test's own, in a zone that publishes what is looked for."""
    zone, clock = Zone(), Clock()

    def publish(record: Any) -> None:
        value = record.value.split()[-1] if record.kind == "MX" else record.value
        zone.values.setdefault((record.kind, record.name), []).append(value)

    dns = Dns(lambda: zone, "bounces.test", publish)
    with (
        blocking_pool(dsn, "pm_api", size_max=2) as blocking,
        EventStore(dsn, "pm_api") as store,
    ):
        desks = Desks(store, blocking.connection, "tests", SEALS)
        yield PipelineMail(desks, "accounts@penguinmails.example", dns, clock), clock


def events(dsn: str, name: str) -> list[dict[str, Any]]:
    found = rows(
        dsn,
        "SELECT convert_from(state, 'UTF8')::jsonb FROM es.decision_events"
        " WHERE split_part(topic, '.', 1) = %s ORDER BY notification_id",
        name,
    )
    return [row[0] for row in found]


async def test_a_letter_is_a_launched_campaign_to_its_address_alone(
    dsn: str, sent: tuple[PipelineMail, Clock]
) -> None:
    """High priority, transactional, and over when its link is."""
    mail, clock = sent
    await asyncio.to_thread(mail.send, LETTER)

    (launched,) = events(dsn, "CampaignLaunched")
    assert (launched["priority"], launched["message_class"]) == ("high", "transactional")
    until = clock.now + timedelta(seconds=RESET_S)
    assert launched["expires_at"].startswith(until.strftime("%Y-%m-%dT%H:%M:%S"))
    assert rows(
        dsn,
        "SELECT c.address, c.domain, c.fields->>'link', c.fields->>'hours' FROM vault.contact c"
        " JOIN vault.list_member m USING (tenant_id, contact_id)"
        " WHERE m.list_id = %s",
        launched["list_ids"][0],
    ) == [(LETTER.address, "people.test", LETTER.link, "1")]


async def test_two_letters_to_one_address_keep_their_own_links(
    dsn: str, sent: tuple[PipelineMail, Clock]
) -> None:
    """Ground and template are made once."""
    mail, _ = sent
    second = Letter(LETTER.kind, LETTER.address, "https://app.test/reset#token=y", RESET_S)
    for letter in (LETTER, second):
        await asyncio.to_thread(mail.send, letter)

    links = rows(dsn, "SELECT fields->>'link' FROM vault.contact ORDER BY 1")
    assert links == [(LETTER.link,), (second.link,)]
    assert len(events(dsn, "CampaignLaunched")) == 2
    assert [len(events(dsn, name)) for name in ("TemplatePublished", "TenantCreated")] == [1, 1]
    assert len(events(dsn, "DomainVerified")) == 1


async def test_address_and_link_are_forgotten_once_every_link_has_expired(
    dsn: str, sent: tuple[PipelineMail, Clock]
) -> None:
    """With the first letter after that."""
    mail, clock = sent
    await asyncio.to_thread(mail.send, LETTER)
    clock.turn(days=9)
    later = Letter(LetterKind.VERIFY, "eve@people.test", "https://app.test/verify#token=z", 86400)
    await asyncio.to_thread(mail.send, later)

    known = rows(dsn, "SELECT address, fields->>'link' FROM vault.contact ORDER BY address")
    assert known == [("eve@people.test", later.link), (None, None)]


async def test_no_address_and_no_link_is_in_the_decision_log(
    dsn: str, sent: tuple[PipelineMail, Clock]
) -> None:
    """I10."""
    mail, _ = sent
    await asyncio.to_thread(mail.send, LETTER)

    with psycopg.connect(dsn) as conn:
        log = conn.execute(
            "SELECT string_agg(e::text || convert_from(e.state, 'UTF8'), '')"
            " FROM es.decision_events e"
        ).fetchone()
    assert log is not None
    assert "CampaignLaunched" in log[0]
    assert "anary" not in log[0]
    assert "token=" not in log[0]


def test_every_kind_of_letter_has_a_template() -> None:
    """And no template is without a kind."""
    assert {path.stem for path in LETTERS.glob("*.html")} == set(LetterKind)
