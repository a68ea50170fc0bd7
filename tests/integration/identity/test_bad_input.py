"""Bad input about people: a problem that names the field, never a crash, and nothing kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.identity_kit import ADDRESS, PASSWORD, People

pytestmark = pytest.mark.stack

SIGNUP = {"address": ADDRESS, "password": PASSWORD, "tenant_name": "Ada's"}


BAD: list[tuple[str, Any]] = [
    ("signup", SIGNUP | {"address": "no address"}),
    ("signup", SIGNUP | {"address": "ada@people.test\x00"}),
    ("signup", SIGNUP | {"address": "x" * 300 + "@people.test"}),
    ("signup", SIGNUP | {"password": 12}),
    ("signup", SIGNUP | {"tenant_name": "  "}),
    ("signup", SIGNUP | {"tenant_name": "line\nbreak"}),
    ("signup", SIGNUP | {"admin": True}),
    ("signup", {"address": ADDRESS}),
    ("signup", []),
    ("verify", {"token": ""}),
    ("verify", {"token": "\x00"}),
    ("verify", {"token": "x" * 5000}),
    ("login", {"address": "\x00\x00\x00", "password": PASSWORD}),
    ("login", {"address": ADDRESS, "password": PASSWORD, "code": "12345"}),
    ("login", {"address": ADDRESS, "password": PASSWORD, "code": "١٢٣٤٥٦"}),
    ("login", {"address": ADDRESS, "password": PASSWORD, "cookie": "perhaps"}),
    ("reset", {"token": "pm_reset_x", "password": "short"}),
    ("reset-request", {"address": None}),
    ("resend-verification", {}),
]

NOBODY: list[dict[str, Any]] = [
    {"authorization": "Bearer"},
    {"authorization": "Bearer "},
    {"authorization": "bearer pm_session_x"},
    {"authorization": b"Bearer pm_session_\xff\xfe"},
    {"authorization": "Basic pm_session_x"},
    {"authorization": "pm_session_x"},
    {"cookie": "__Host-pm=pm_session_\x7f"},
    {"cookie": "__Host-pm"},
    {},
]


async def test_what_cannot_be_is_refused_as_invalid(people: People) -> None:
    """Unknown fields too; the password is never told back."""
    for path, body in BAD:
        async with people.client() as client:
            answer = await client.post(f"/v1/auth/{path}", content=_json(body), headers=JSON)

        found = (answer.status_code, answer.json()["code"], PASSWORD in answer.text)
        assert found == (422, "invalid", False), f"{path} {body!r}: {answer.text}"
    assert not people.mail.letters


JSON = {"content-type": "application/json"}


def _json(body: Any) -> bytes:
    """JSON whose text is ASCII, so that lone surrogates travel."""
    return json.dumps(body).encode()


async def test_text_that_is_no_unicode_is_no_json(people: People) -> None:
    """A lone surrogate, in an address or a password."""
    for body in (SIGNUP | {"address": "a\ud800@people.test"}, SIGNUP | {"password": "\ud800" * 12}):
        async with people.client() as client:
            answer = await client.post("/v1/auth/signup", content=_json(body), headers=JSON)

        assert (answer.status_code, answer.json()["code"]) == (400, "not_json")


async def test_whoever_shows_no_living_session_is_nobody(people: People) -> None:
    """Whatever it is that they show."""
    for headers in NOBODY:
        async with people.client() as client:
            own, tenants = [
                await client.get(path, headers=headers) for path in ("/v1/me", "/v1/senders")
            ]

        assert (own.status_code, tenants.status_code) == (401, 401), headers
        assert own.headers["www-authenticate"] == tenants.headers["www-authenticate"] == "Bearer"


async def test_any_characters_make_a_password(people: People) -> None:
    """NUL and letters of every script among them; it is hashed, never read."""
    password = "\x00 пингвин 🐧 \n"  # noqa: S105 - of this test alone
    first = await people.post("/v1/auth/signup", **(SIGNUP | {"password": password}))

    assert first.status_code == 202
    assert (await people.try_log_in(password=password)).status_code == 200
    assert (await people.try_log_in(password=password.strip())).status_code == 401


async def test_a_browser_with_a_strange_name_logs_in_all_the_same(people: People) -> None:
    """What it calls itself is cut, and shows no control characters."""
    await people.sign_up()
    async with people.client() as client:
        answer = await client.post(
            "/v1/auth/login",
            json={"address": ADDRESS, "password": PASSWORD},
            headers={"user-agent": "A\tB" + "x" * 900},
        )
    token = answer.json()["token"]
    (found,) = (await people.get("/v1/me/sessions", token)).json()["data"]

    assert found["agent"].startswith("ABx")
    assert len(found["agent"]) == 200
