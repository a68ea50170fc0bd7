"""Answers about leads, lists, segments and imports are as the API describes them."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.api_kit import api_of

pytestmark = pytest.mark.stack
DOMAIN = {"what": "domain", "op": "equals", "value": "x.org"}


async def test_each_answer_is_as_it_is_described(dsn: str) -> None:
    async with api_of(dsn) as client:
        described = (await client.get("/openapi.json")).json()["paths"]
        ids: dict[str, str] = {}

        async def ask(method: str, path: str, status: int, **more: Any) -> dict[str, Any]:
            answer = await client.request(method, path.format(**ids), **more)
            assert answer.status_code == status, (path, answer.text)
            content = described[path][method.lower()]["responses"][str(status)]["content"]
            jsonschema.validate(answer.json(), content["application/json"]["schema"])
            ids.update({k: v for k, v in answer.json().items() if k.endswith("_id") and v})
            found: dict[str, Any] = answer.json()
            return found

        await ask("POST", "/v1/lists", 201, json={"name": "L"})
        lead = {
            "address": "a@x.org",
            "fields": {"k": "v"},
            "tags": ["t"],
            "list_id": ids["list_id"],
        }
        await ask("POST", "/v1/leads", 201, json=lead)
        await ask("GET", "/v1/leads/{lead_id}", 200)
        await ask("GET", "/v1/leads", 200)
        any_version = {"If-Match": "*"}
        change = {"fields": {"k": None}}
        await ask("PATCH", "/v1/leads/{lead_id}", 200, json=change, headers=any_version)
        items = [{"op": "create", "address": address} for address in ("b@x.org", "nobody")]
        await ask("POST", "/v1/leads/bulk", 200, json={"items": items})
        one = {"lead_ids": [ids["lead_id"]]}
        await ask("POST", "/v1/lists/{list_id}/leads", 200, json=one)
        await ask("POST", "/v1/lists/{list_id}/leads/remove", 200, json=one)
        await ask("GET", "/v1/lists", 200)
        await ask("GET", "/v1/lists/{list_id}", 200)
        await ask("POST", "/v1/segments", 201, json={"name": "S", "filter": DOMAIN})
        await ask("POST", "/v1/segments/preview", 200, json={"filter": DOMAIN})
        await ask("GET", "/v1/segments/{segment_id}/leads", 200)
        await ask("GET", "/v1/segments", 200)
        await ask("POST", "/v1/segments/{segment_id}/freeze", 201)
        sent: dict[str, Any] = {
            "content": b"email\nc@x.org\n",
            "headers": {"content-type": "text/csv"},
        }
        await ask("POST", "/v1/imports", 201, params={"list_name": "M"}, **sent)
        await ask("GET", "/v1/imports/{import_id}/preview", 200)
        await ask("GET", "/v1/imports/{import_id}", 200)
        await ask("POST", "/v1/imports/{import_id}/start", 202)
        await ask("GET", "/v1/imports", 200)
        await ask("DELETE", "/v1/leads/{lead_id}", 200)
