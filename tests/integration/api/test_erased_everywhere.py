"""No question of the API shows an erased person (I10): every GET route is asked twice."""

from __future__ import annotations

import re

import httpx2
import pytest

from api.main import operations
from projections import models
from tests.api_kit import api_of
from tests.decided_kit import done
from tests.integration.test_erasure import CANARIES, fill
from tests.vault_kit import insert

pytestmark = pytest.mark.stack

IDS = {
    "contact_id": "lea_a",
    "lead_id": "lea_a",
    "list_id": "lst_1",
    "import_id": "imp_1",
    "segment_id": "seg_1",
    "campaign_id": "cmp_1",
}
#: Streams of changes: they carry ids and counts, and never end.
ENDLESS = re.compile("/live|/stream|/events$")
#: Questions in which people are found by what they are called.
SEARCHES = (
    "/v1/leads?address=canary.ada@example.org",
    "/v1/leads?q=canary.ada",
    "/v1/leads?list_id=lst_1",
    "/v1/suppressions?address=canary.ada@example.org",
)


def questions() -> list[str]:
    """Every GET of the OpenAPI document, its ids filled in."""
    paths = operations().openapi()["paths"]
    asked = [path for path, deeds in paths.items() if "get" in deeds and not ENDLESS.search(path)]
    return [re.sub(r"\{(\w+)\}", lambda name: IDS.get(name[1], "unknown"), path) for path in asked]


async def showing(client: httpx2.AsyncClient) -> tuple[set[str], int]:
    """The questions whose answers show the person, and how many answered at all."""
    shown, answered = set(), 0
    for path in [*questions(), *SEARCHES]:
        answer = await client.get(path)
        answered += answer.status_code == 200
        if any(canary.lower() in answer.text.lower() for canary in CANARIES):
            shown.add(path)
    return shown, answered


async def test_i10_no_answer_shows_an_erased_person(dsn: str) -> None:
    models.ensure_schemas(dsn)
    fill(dsn)
    insert(
        dsn,
        "INSERT INTO vault.lead_list (tenant_id, list_id, created_at, members)"
        " VALUES ('ten_a', %s, now(), 2)",
        [("lst_1",), ("lst_2",)],
    )
    insert(
        dsn,
        "INSERT INTO vault.import (tenant_id, import_id, list_id, state, rejected, rows)"
        " VALUES ('ten_a', %s, 'lst_1', 'done', 3, 5)",
        [("imp_1",)],
    )
    async with api_of(dsn) as client:
        before, answered = await showing(client)
        await done(client.post("/v1/leads/lea_a/erase"))
        after, _ = await showing(client)

    assert len(questions()) > 40
    assert answered > 15
    assert {"/v1/leads", "/v1/leads/lea_a"} <= before
    assert len(before) > 3
    assert after == set()
