"""How far a campaign is: its counters, how fast it went, what holds the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from adapters import postgres
from domain.sending import ENDS
from projections.whynot.holds import LASTING, Hold, holds

SQL = postgres.named_sql(Path(__file__).with_suffix(".sql"))
LOOK_EVERY_S = 0.25
#: A hold that lasts longer than this is no reason to keep someone waiting at the terminal.
HOLD_PATIENCE_S = 900.0
UNKNOWN = ("launching", None, None, None)  # the projections have not read of it yet


@dataclass(frozen=True)
class Progress:
    """One look. `counts`: sends by state, as the ledger has them."""

    campaign_id: str
    state: str
    counts: dict[str, int]
    requested: int  # planned so far; the whole audience once `planned`
    planned: bool
    in_lanes: int  # released, not yet claimed
    elapsed_s: float  # from launch to the last outcome, or to now
    counted_until: datetime | None  # what the log had by then is in the counts; None: nothing yet

    @property
    def ended(self) -> int:
        """Sends that have their end."""
        return sum(self.counts.get(end, 0) for end in ENDS)

    @property
    def released(self) -> int:
        """Sends that were let go at least once."""
        return self.requested - self.counts.get("waiting", 0) + self.in_lanes

    @property
    def settled(self) -> bool:
        """Whether requested = the sum of outcomes, finally."""
        whole = self.planned and self.ended == self.requested
        return self.state == "finished" or (self.state == "cancelled" and whole)

    def knows(self, moment: datetime) -> bool:
        """Whether all that the log had at this moment is in the counts."""
        return self.counted_until is not None and self.counted_until >= moment

    def as_json(self) -> dict[str, Any]:
        """The fields that scripts rely on."""
        ends = {end.value: self.counts.get(end, 0) for end in ENDS}
        rate = ends["accepted"] / self.elapsed_s if self.elapsed_s else 0.0
        return {
            "campaign_id": self.campaign_id,
            "state": self.state,
            "requested": self.requested,
            **ends,
            "deferred": self.counts.get("deferred", 0),
            "open": self.requested - self.ended,
            "elapsed_s": round(self.elapsed_s, 3),
            "emails_per_s": round(rate, 1),
        }


async def look(conn: AsyncConnection[TupleRow], tenant_id: str, campaign_id: str) -> Progress:
    """The campaign's counters now, of one snapshot."""
    async with postgres.tenant_tx(conn, tenant_id):
        counts = await _rows(conn, "counts", campaign_id)
        found = await _rows(conn, "campaign", campaign_id)
        lanes = await _rows(conn, "lanes", campaign_id)
        counted = await (await conn.execute(SQL["counted_until"])).fetchone()
        state, launched_at, ended_at, total = found[0] if found else UNKNOWN
        if state in {"finished", "cancelled"}:
            newest = (await _rows(conn, "newest_end", campaign_id))[0][0]
            ended_at = newest or ended_at
    until = ended_at or datetime.now(UTC)
    by_state = {name: int(count) for name, count in counts}
    return Progress(
        campaign_id=campaign_id,
        state=state,
        counts=by_state,
        requested=int(sum(by_state.values()) if total is None else total),
        planned=total is not None,
        in_lanes=int(lanes[0][0]),
        elapsed_s=(until - launched_at).total_seconds() if launched_at else 0.0,
        counted_until=counted[0] if counted else None,
    )


async def _rows(
    conn: AsyncConnection[TupleRow], query: str, campaign_id: str
) -> list[tuple[Any, ...]]:
    return await (await conn.execute(SQL[query], (campaign_id,))).fetchall()


async def follow(
    dsn: str, tenant_id: str, campaign_id: str, patience_s: float = HOLD_PATIENCE_S
) -> AsyncIterator[tuple[Progress, Hold | None]]:
    """Looks until the campaign is settled, or held by something that outlasts `patience_s`.

    The last look counts all that went out before it was held. A restart of Postgres meanwhile is
    waited out.
    """
    since: datetime | None = None
    while True:
        try:
            async with await postgres.connect(dsn, "pm_api", connect_timeout=5) as conn:
                while True:
                    progress = await look(conn, tenant_id, campaign_id)
                    hold = None if progress.settled else await holds(conn, tenant_id, campaign_id)
                    yield progress, hold
                    lasts = hold and _outlasts(hold, patience_s)
                    since = (since or hold.seen_at) if hold and lasts else None
                    if progress.settled or (since and progress.knows(since)):
                        return
                    await asyncio.sleep(LOOK_EVERY_S)
        except psycopg.OperationalError:
            await asyncio.sleep(LOOK_EVERY_S)


def _outlasts(hold: Hold, patience_s: float) -> bool:
    if hold.until is None:
        return hold.kind in LASTING
    return (hold.until - datetime.now(UTC)).total_seconds() > patience_s
