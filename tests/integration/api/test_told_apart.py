"""I11: another tenant's id costs what an id costs that nobody has: the same statements run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from adapters.exchange import Ask, exchange
from projections import reads

pytestmark = pytest.mark.stack

#: Questions about one thing, with the other tenant's id, and one as long that is nobody's.
IDS = (
    ("/v1/campaigns/{}", "cmp_ten_b", "cmp_ten_z"),
    ("/v1/campaigns/{}/sends", "cmp_ten_b", "cmp_ten_z"),
    ("/v1/campaigns/{}/stats", "cmp_ten_b", "cmp_ten_z"),
    ("/v1/sends/{}", "snd_ten_b_5", "snd_ten_z_5"),
    ("/v1/sends?campaign_id={}", "cmp_ten_b", "cmp_ten_z"),
    ("/v1/analytics/timeseries?campaign_id={}", "cmp_ten_b", "cmp_ten_z"),
    ("/v1/leads/{}", "lea_ten_b_5", "lea_ten_z_5"),
)


@pytest.mark.parametrize(("path", "theirs", "nobodys"), IDS)
async def test_i11_a_foreign_id_runs_the_statements_of_an_unknown_one(
    client: httpx2.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    theirs: str,
    nobodys: str,
) -> None:
    """And finds as many rows at each: nothing that could take longer."""
    seen: list[list[tuple[Any, int]]] = []

    async def recorded(conn: Any, asks: Sequence[Ask]) -> Any:
        found = await exchange(conn, asks)
        seen.append([(ask.sql, len(rows)) for ask, rows in zip(asks, found, strict=True)])
        return found

    monkeypatch.setattr(reads, "exchange", recorded)
    answers, asked = [], []
    for thing in (theirs, nobodys):
        seen.clear()
        answers.append(await client.get(path.format(thing)))
        asked.append(list(seen))

    assert asked[0]
    assert asked[0] == asked[1]
    assert answers[0].status_code == answers[1].status_code
    assert _said(answers[0]) == _said(answers[1])


def _said(answer: httpx2.Response) -> dict[str, Any]:
    """An answer without what is another at each: how old it is, and which request it was."""
    found: dict[str, Any] = answer.json()
    return {name: found[name] for name in found if name not in {"as_of", "request_id", "instance"}}
