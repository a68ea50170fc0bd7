"""Answers of campaign and suppression routes are what /openapi.json says they are."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import jsonschema
import pytest

from api.main import create_app
from tests import campaign_kit
from tests.api_kit import client_of, ports_of
from tests.decided_kit import follow

pytestmark = pytest.mark.stack

TAGS = {"campaigns", "suppressions"}
ANY_MATCH = {"If-Match": "*"}


@dataclass
class Checked:
    """Asks, and holds each answer against the description of its operation."""

    client: httpx2.AsyncClient
    described: dict[str, Any]
    asked: set[tuple[str, str]]

    async def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = await self.client.request(method, path, **more)
        pattern, operation = self._operation(method, path)
        promised = operation["responses"]
        assert str(answer.status_code) in promised, (answer.status_code, answer.text)
        assert answer.status_code < 300, answer.text
        self.asked.add((method, pattern))
        media = answer.headers["content-type"].partition(";")[0]
        content = promised[str(answer.status_code)]["content"][media]
        if media == "text/csv":
            return {}
        found: dict[str, Any] = answer.json()
        jsonschema.validate(found, content["schema"])
        return found

    def _operation(self, method: str, path: str) -> tuple[str, dict[str, Any]]:
        for pattern in sorted(self.described["paths"], key=lambda each: each.count("{")):
            operation = self.described["paths"][pattern].get(method.lower())
            if operation and re.fullmatch(re.sub(r"{\w+}", "[^/]+", pattern), path):
                return pattern, operation
        raise AssertionError(f"{method} {path} is not described")


@pytest.fixture
async def checked(dsn: str) -> AsyncIterator[Checked]:
    async with ports_of(dsn) as ports, client_of(create_app(ports), tenant="ten_a") as client:
        described = (await client.get("/openapi.json")).json()
        yield Checked(client, described, set())


async def test_every_answer_fits_its_description(dsn: str, checked: Checked) -> None:
    async with ports_of(dsn) as ports:
        ground = campaign_kit.lay(ports.desks.at("ten_a", "tests"), dsn)
    await campaign_kit.fold(dsn)
    ask = checked.ask
    made = await ask("POST", "/v1/campaigns", json=ground.plan)
    path = f"/v1/campaigns/{made['campaign_id']}"
    await ask("GET", path + "/plan")
    await ask("PATCH", path, json={"sign": "none"}, headers=ANY_MATCH)
    await ask("POST", path + "/estimate")
    await ask("POST", path + "/duplicate", json={})
    await ask("POST", path + "/schedule", json={"local": "2026-07-01T09:00"})
    await ask("POST", path + "/unschedule")
    await ask("POST", path + "/launch")
    await ask("POST", path + "/pause", json={"reason": "a test"})
    await ask("POST", path + "/resume")
    await ask("POST", path + "/cancel", json={"reason": "a test"})
    await follow(dsn, "send_ledger")
    await ask("GET", "/v1/campaigns")
    await ask("GET", path)
    await ask("GET", path + "/sends")

    ann = {"address": "ann@gmail.test"}
    await ask("POST", "/v1/suppressions", json=ann)
    await ask("POST", "/v1/suppressions/bulk", json={"items": [ann, {"address": "none"}]})
    await ask("POST", "/v1/suppressions/platform", json=ann)
    await ask(
        "POST",
        "/v1/suppressions/import",
        content=b"email\r\nx\r\nben@gmail.test\r\n",
        headers={"content-type": "text/csv"},
    )
    await campaign_kit.fold(dsn)
    asked = {"addresses": ["ann@gmail.test", "zoe@gmail.test"]}
    await ask("POST", "/v1/suppressions/check", json=asked)
    await ask("GET", "/v1/suppressions")
    await ask("GET", "/v1/suppressions/export")
    await ask("POST", "/v1/suppressions/lift", json=ann | {"reason": "a test"})
    await ask("DELETE", "/v1/suppressions/lea_ben", params={"reason": "a test"})
    await ask("POST", "/v1/suppressions/platform/lift", json=ann)

    described = {
        (method.upper(), pattern)
        for pattern, methods in checked.described["paths"].items()
        for method, operation in methods.items()
        if pattern.startswith(("/v1/campaigns", "/v1/suppressions"))
        and TAGS & set(operation.get("tags", ()))
    }
    of_others = {("GET", "/v1/campaigns/{campaign_id}/stats")}
    assert checked.asked >= described - of_others
