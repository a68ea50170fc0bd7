"""What is answered about people is what /openapi.json says."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import jsonschema
import pytest

from tests.identity_kit import ADDRESS, PASSWORD, People

pytestmark = pytest.mark.stack

NEXT = "eight warm penguins rest"


async def test_every_answer_about_people_has_its_described_shape(people: People) -> None:
    """Each route of /v1/auth and /v1/me, asked until it answers well."""
    described = people.app.openapi()["paths"]
    seen: set[tuple[str, str]] = set()

    async def ask(method: str, path: str, session: str = "", **body: Any) -> Any:
        async with people.client(Authorization=f"Bearer {session}") as client:
            answer = await client.request(method, path, json=body or None)
        pattern = re.sub(r"ses_\w+", "{session_id}", path)
        _check(described[pattern][method.lower()]["responses"], answer)
        seen.add((method.lower(), pattern))
        return answer.json()

    given = {"address": ADDRESS, "password": PASSWORD}
    await ask("POST", "/v1/auth/signup", **given, tenant_name="Ada's")
    await ask("POST", "/v1/auth/resend-verification", address=ADDRESS)
    await ask("POST", "/v1/auth/verify", token=people.token_of_letter())
    await ask("POST", "/v1/auth/reset-request", address=ADDRESS)
    await ask("POST", "/v1/auth/reset", token=people.token_of_letter(), password=PASSWORD)
    other = (await ask("POST", "/v1/auth/login", **given))["session_id"]
    token = (await ask("POST", "/v1/auth/login", **given))["token"]
    await ask("GET", "/v1/me", token)
    await ask("PATCH", "/v1/me", token, name="Ada")
    await ask("POST", "/v1/me/proof", token, password=PASSWORD)
    await ask("GET", "/v1/me/sessions", token)
    await ask("DELETE", f"/v1/me/sessions/{other}", token)
    token = (await ask("POST", "/v1/me/password", token, password=PASSWORD, new_password=NEXT))[
        "token"
    ]
    seed = (await ask("POST", "/v1/me/totp", token, password=NEXT))["seed"]
    token = (await ask("POST", "/v1/me/totp/confirm", token, code=people.code(seed)))["token"]
    for path in ("/v1/me/recovery-codes", "/v1/me/totp/disable"):
        people.clock.turn(seconds=30)
        found = await ask("POST", path, token, password=NEXT, code=people.code(seed))
    await ask("POST", "/v1/auth/logout", found["token"])

    routes = {
        (method, path)
        for path, methods in described.items()
        for method in methods
        if path.startswith(("/v1/auth", "/v1/me/")) or path == "/v1/me"
    }
    assert seen == routes


def _check(responses: dict[str, Any], answer: httpx2.Response) -> None:
    assert answer.is_success, answer.text
    content = responses[str(answer.status_code)]["content"]["application/json"]
    jsonschema.validate(answer.json(), content["schema"])
    jsonschema.validate(content["example"], content["schema"])
    assert set(answer.json()) == set(content["example"])
