"""Rows made by hand that decide whether mail may leave, for tests of which limit binds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters import postgres
from projections.whynot.binding import binding_of
from projections.whynot.limits import Limit
from projections.whynot.rows import Breaker, Campaign, Cell, Ip, Snapshot, Stage, Wait

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
TOMORROW = datetime(2026, 1, 6, tzinfo=UTC)
LATER = NOW + timedelta(minutes=40)
STAGE = Stage(NOW, open=True, schedule_age_s=0.2)
CAMPAIGN = Campaign("cmp_a", "ten_a", "running", ("ip_a",), "dom_a", total=10, mailbox_id="mbx_a")
WAIT = Wait("cmp_a", "gmail", due=10)
GOVERNED = Cell("ip_a", "gmail", plan="standard", quota=300, per_h=3600.0)
WINDOW = {"days": ["mon"], "opens": "10:10", "closes": "18:00", "zone_of": "campaign"} | {
    "zone": "UTC"
}


def look(*, cell: Cell | None = None, wait: Wait = WAIT, **changes: Any) -> Snapshot:
    """A running campaign with ten due sends to gmail and one IP, on which nothing binds."""
    campaign = replace(CAMPAIGN, **changes.pop("campaign", {}))
    made = Snapshot(
        changes.pop("stage", STAGE),
        {campaign.campaign_id: campaign},
        changes.pop("waits", [wait]),
        changes.pop("ips", [Ip("ip_a")]),
        {("ip_a", "gmail"): cell or Cell("ip_a", "gmail")},
    )
    return replace(made, **changes)


def breaker(scope: str, scope_id: str, provider: str = "", **more: Any) -> Breaker:
    """One that is open for a while, unless `more` says otherwise."""
    given: dict[str, Any] = {"status": "open", "rule": "blocked", "since": NOW, "until": LATER}
    return Breaker(scope, scope_id, provider, **given | more)


def bound(snap: Snapshot) -> Limit:
    """The limit that binds; there is one."""
    found = binding_of(snap).binding
    assert found is not None
    return found


@asynccontextmanager
async def a_releaser(dsn: str) -> AsyncIterator[None]:
    """As if one were active, as it is between its ticks; waits until the one before is gone."""
    async with await postgres.connect(dsn, "pm_release") as conn:
        await conn.execute("SELECT pg_advisory_lock(7700020)")
        try:
            yield
        finally:
            await conn.execute("SELECT pg_advisory_unlock(7700020)")
