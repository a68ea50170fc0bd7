"""Secrets that come in over HTTP, or are made here, stand nowhere in clear."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from adapters.sealing import Seals, field, signing_key_field
from api.commands.mailboxes import SECRET_COLUMN
from api.desk import NO_SEALS
from api.main import create_app
from tests.api_kit import SEALS, api_of, client_of, ports_of
from tests.decided_kit import done, follow
from tests.integration.test_erasure import everything
from tests.vault_kit import rows

pytestmark = pytest.mark.stack

PASSWORD = "canary-password-of-a-mailbox"  # noqa: S105 - of this test alone
CREDENTIAL = {
    "protocol": "smtp", "host": "mail.example.com", "port": 587, "username": "ann",
    "password": PASSWORD,
}  # fmt: skip


def spellings(secret: bytes) -> list[str]:
    """A secret as text, as Postgres shows bytes, and in base64."""
    coded = base64.b64encode(secret).decode()
    return [secret.decode("latin-1").lower(), secret.hex(), coded.lower()]


async def test_a_password_and_signing_keys_are_in_no_row_event_answer_or_log_line(
    dsn: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with api_of(dsn) as client:
        answers = [
            await client.post("/v1/domains", json={"domain": "example.com"}),
            await client.post("/v1/mailboxes", json={"address": "ann@example.com"}),
        ]
        box = f"/v1/mailboxes/{answers[1].json()['mailbox_id']}"
        answers.append(await client.put(f"{box}/credentials", json={"credentials": [CREDENTIAL]}))
        wrong = {"credentials": [CREDENTIAL | {"port": "no"}]}
        answers += [
            await client.put(f"{box}/credentials", json=wrong),
        ]
        await follow(dsn, "holdings")
        answers += [
            await client.get(box),
        ]
    told = capfd.readouterr()
    shown = "\n".join([
        everything(dsn), *(answer.text for answer in answers), told.out, told.err, caplog.text
    ]).lower()  # fmt: skip

    assert [answer.status_code for answer in answers] == [201, 201, 200, 422, 200]
    keys = opened_keys(dsn)
    ((mailbox, sealed),) = rows(dsn, "SELECT mailbox_id, secret FROM vault.mailbox_credential")
    place = field("ten_a", SECRET_COLUMN, mailbox, "smtp")
    assert SEALS.open(sealed, *place) == PASSWORD.encode()
    assert len(keys) == 2
    for secret in (PASSWORD.encode(), *keys):
        assert [text for text in spellings(secret) if text in shown] == []


def opened_keys(dsn: str) -> list[bytes]:
    found = rows(dsn, "SELECT domain_id, selector, private_key FROM vault.signing_key")
    return [
        SEALS.open(sealed, *signing_key_field("ten_a", domain, selector))
        for domain, selector, sealed in found
    ]


async def test_without_a_key_nothing_is_kept_and_the_caller_learns_no_more(dsn: str) -> None:
    async with ports_of(dsn) as ports:
        keyless = replace(ports, desks=replace(ports.desks, seals=NO_SEALS))
        async with client_of(create_app(keyless), tenant="ten_a") as client:
            answer = await client.post("/v1/domains", json={"domain": "example.com"})

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "PM_SECRET_KEY" not in answer.text
    assert rows(dsn, "SELECT * FROM vault.signing_key") == []


async def test_a_stolen_table_opens_under_no_other_key(dsn: str) -> None:
    async with api_of(dsn) as client:
        await done(client.post("/v1/domains", json={"domain": "example.com"}), 201)
    found = rows(dsn, "SELECT domain_id, selector, private_key FROM vault.signing_key")
    other = Seals.under("tests:" + base64.b64encode(b"o" * 32).decode())

    for domain, selector, sealed in found:
        with pytest.raises(Exception, match="not the one that sealed"):
            other.open(sealed, *signing_key_field("ten_a", domain, selector))
