"""Pages of sends by any filter: all of what is looked for, once, in one order, by indexes alone."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from adapters import postgres
from adapters.postgres import named_sql
from projections import models
from projections.reads import Bound
from projections.send_ledger import pages
from projections.send_ledger.pages import After, Wanted

pytestmark = pytest.mark.stack
TENANT = "ten_0"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
#: Indexes serve, or the scan is of what is small for every tenant.
QUERIES = (
    *("send_ledger/pages.sql", "send_ledger/queries.sql", "send_stats/queries.sql"),
    *("campaign_counters/queries.sql", "usage/queries.sql", "changes.sql"),
)
#: Of all tenants, for a process that looks after all: `uncrossed` begins at those with a limit.
OF_ALL = {"uncrossed"}
VALUES: dict[str, Any] = {
    "tenant_id": TENANT, "campaign_id": "cmp_3_0", "campaign_ids": ["cmp_3_0"], "provider": "",
    "state": "rejected", "states": ["rejected"], "ip": "ip_ten_0_a", "since": BEGIN, "until": BEGIN,
    "at": BEGIN, "batch_id": "bat_1", "batch_ids": ["bat_1"], "idx": 1, "limit": 51, "by": "ip",
    "workspaces": ["wsp_1"], "contact_id": "lea_1", "send_id": "snd_1", "streams": ["campaign-1"],
    "edges": [BEGIN], "start": BEGIN, "end": BEGIN, "days_start": BEGIN, "days_end": BEGIN,
    "first_day": BEGIN.date(), "last_day": BEGIN.date(), "ids": ["cmp_1"], "after": "", "period":
    BEGIN.date(), "after_batch": "", "after_idx": -1, "place": 5, "tenants": [TENANT],
    "workspace_id": "", "q": "", "name": "", "sent": ["accepted"],
}  # fmt: skip


@pytest.fixture
async def folded(read_models: str, tell: Callable[..., Any]) -> str:
    """A ledger of two tenants with sends in every state; its DSN."""
    async with await postgres.connect(read_models, "pm_projector") as conn:
        for seed in (3, 4):
            fold = models.MODELS["send_ledger"].fold(1)
            for poll in tell(seed, campaigns=4, sizes=(23, 9, 2)).interleaved(seed):
                async with conn.transaction():
                    await fold.apply(conn, poll)
    return read_models


@asynccontextmanager
async def bound_to(dsn: str, tenant: str = TENANT) -> AsyncIterator[Bound]:
    async with await postgres.connect(dsn, "pm_api") as conn, postgres.tenant_tx(conn, tenant):
        yield Bound(conn, tenant)


def looked_for() -> Iterator[dict[str, Any]]:
    """Filters, alone and together."""
    for campaign_id in ("", "cmp_3_0", "cmp_nobodys"):
        for state in ("", "accepted", "rejected", "ambiguous", "expired", "waiting"):
            for ip in ("", "ip_ten_0_a"):
                yield {"campaign_id": campaign_id, "state": state, "ip": ip}
    yield {"provider": "gmail", "state": "accepted"}
    yield {"provider": "nobody"}
    yield {"contact_id": "lea_bat_cmp_3_0_0_3"}
    yield {"contact_id": "lea_bat_cmp_3_1_0_3"}  # another tenant's


async def _all(dsn: str, wanted: Wanted, limit: int) -> list[str]:
    """Page after page, as a client goes through them."""
    found: list[str] = []
    after = After()
    async with bound_to(dsn) as bound:
        while rows := await pages.page(bound, wanted, after, limit):
            assert len(rows) <= limit
            found += [row["send_id"] for row in rows]
            after = After.of(rows[-1])
    return found


async def test_pages_of_any_size_show_each_send_that_fits_once(folded: str) -> None:
    """Whatever is looked for, compared with a plain look at every row."""
    with psycopg.connect(folded, row_factory=dict_row) as conn:
        every = conn.execute(
            "SELECT * FROM rm.send_ledger WHERE tenant_id = %s"
            " ORDER BY requested_at DESC, batch_id DESC, idx",
            (TENANT,),
        ).fetchall()
    assert len(every) > 100
    for filters in looked_for():
        expected = [
            row["send_id"]
            for row in every
            if all(row[name] == value for name, value in filters.items() if value)
        ]

        assert await _all(folded, Wanted(**filters), 7) == expected, filters
        assert await _all(folded, Wanted(**filters), 100) == expected, filters


async def test_counts_need_no_row_and_are_right(folded: str) -> None:
    async with bound_to(folded) as bound:
        for filters in looked_for():
            wanted = Wanted(**filters)
            if not wanted.contact_id:
                assert await pages.count(bound, wanted) == len(await _all(folded, wanted, 100))


async def test_times_are_those_of_the_request_and_the_end_is_not_within(folded: str) -> None:
    with psycopg.connect(folded) as conn:
        moments = conn.execute(
            "SELECT DISTINCT requested_at FROM rm.send_batch WHERE tenant_id = %s ORDER BY 1",
            (TENANT,),
        ).fetchall()
    middle = moments[len(moments) // 2][0]

    before = await _all(folded, Wanted(until=middle), 50)
    after = await _all(folded, Wanted(since=middle), 50)

    assert before
    assert after
    assert not set(before) & set(after)
    assert len(before) + len(after) == len(await _all(folded, Wanted(), 50))
    assert await _all(folded, Wanted(since=middle, until=middle), 50) == []
    assert await _all(folded, Wanted(since=middle + timedelta(days=9)), 50) == []


def _statements() -> Iterator[tuple[str, str, str]]:
    for name in QUERIES:
        path = Path(models.__file__).parent / name
        for query, text in (named_sql(path) if path.exists() else {}).items():
            if query not in OF_ALL:
                yield name, query, text


@pytest.mark.parametrize(("file", "query"), [found[:2] for found in _statements()])
async def test_no_question_has_to_read_a_whole_table(
    read_models: str, file: str, query: str
) -> None:
    """With scans forbidden, whatever still scans has no index that could serve it."""
    text = named_sql(Path(models.__file__).parent / file)[query]
    async with bound_to(read_models) as bound:
        await bound.conn.execute("SET LOCAL enable_seqscan = off")
        rows = await (
            await bound.conn.execute(b"EXPLAIN (FORMAT JSON) " + text.encode(), VALUES)
        ).fetchall()

    plan = json.dumps(rows[0][0])
    scanned = set(re.findall(r'"Seq Scan".{0,200}?"Relation Name": "(\w+)"', plan))
    assert not {name for name in scanned if name not in {"read_model", "freshness", "import_moves"}}


async def test_an_index_leads_with_the_tenant_or_with_an_id_of_the_whole_system(
    read_models: str,
) -> None:
    """So that a tenant's rows are found without looking at others'."""
    with psycopg.connect(read_models) as conn:
        rows = conn.execute(
            "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'rm'"
        ).fetchall()

    allowed = ("(tenant_id", "(send_id)", "(contact_id)")
    assert len(rows) > 20
    assert not [row for row in rows if not any(lead in row[1] for lead in allowed)]
