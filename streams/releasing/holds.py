"""Why open sends of a campaign do not move, for people who wait for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from projections.fold import Connection

SQL = named_sql(Path(__file__).with_name("holds.sql"))


class HoldKind(StrEnum):
    """What holds a campaign, the one that must go first before the others matter."""

    UNKNOWN = "unknown"  # the schedule has not read its launch yet
    PAUSED = "paused"
    TENANT = "tenant"  # suspended
    GATE = "gate"  # closed, for all
    STALE = "stale"  # the schedule does not keep up, for all
    PLANNING = "planning"
    IPS = "ips"  # none of its sending IPs is left
    CAP = "cap"  # used up for this UTC day
    RETRY = "retry"  # deferred sends wait for their next attempt
    PARKED = "parked"  # a poison record: for people to look at


@dataclass(frozen=True)
class Hold:
    """`until` is known for caps (the next UTC day) and retries; `sends` wait for it."""

    kind: HoldKind
    detail: str
    until: datetime | None = None
    sends: int = 0
    seen_at: datetime | None = field(default=None, compare=False)  # Postgres's clock


@dataclass(frozen=True)
class _Campaign:
    """A row of the statement `state`."""

    state: str
    total: int | None
    ips: list[str]
    may_send: bool
    open: bool
    gate_reason: str
    fresh: bool
    now: datetime
    moving: bool


async def holds(
    conn: Connection, campaign_id: str, *, freshness_max_s: float = 10.0
) -> Hold | None:
    """What all open sends of the campaign wait for; None while some move, or none is open."""
    given = {"campaign_id": campaign_id, "freshness_max_s": freshness_max_s}
    row: Any = await (await conn.execute(SQL["state"], given)).fetchone()
    if row is None:
        return Hold(HoldKind.UNKNOWN, "the schedule has not read the launch yet")
    campaign = _Campaign(*row)
    found = _for_all(campaign) or await _for_what_waits(conn, campaign_id, campaign)
    return replace(found, seen_at=campaign.now) if found else None


def _for_all(campaign: _Campaign) -> Hold | None:
    """What holds the campaign as a whole, whatever waits."""
    if campaign.state == "paused":
        return Hold(HoldKind.PAUSED, "the campaign is paused")
    if campaign.state != "running":
        return None
    if not campaign.may_send:
        return Hold(HoldKind.TENANT, "the tenant is suspended")
    if not campaign.open:
        return Hold(HoldKind.GATE, campaign.gate_reason or "the gate is closed")
    if not campaign.fresh:
        return Hold(HoldKind.STALE, "the schedule is behind the log")
    return None


async def _for_what_waits(conn: Connection, campaign_id: str, campaign: _Campaign) -> Hold | None:
    if campaign.moving or campaign.state != "running":
        return None
    given = {"campaign_id": campaign_id, "now": campaign.now}
    found = await (await conn.execute(SQL["providers"], given)).fetchall()
    rows = [_Provider(*row) for row in found]
    waiting = [row for row in rows if row.due or row.later]
    if waiting:
        return await _for_waiting(conn, campaign, waiting)
    parked = sum(row.parked for row in rows)
    if parked:
        return Hold(HoldKind.PARKED, "a record could not be read; see doctor", sends=parked)
    if campaign.total is None:
        return Hold(HoldKind.PLANNING, "the audience is being planned")
    return None


@dataclass(frozen=True)
class _Provider:
    """A row of the statement `providers`; numbers in sends."""

    provider: str
    due: int
    later: int
    next_due_at: datetime | None
    parked: int


async def _for_waiting(conn: Connection, campaign: _Campaign, rows: list[_Provider]) -> Hold | None:
    """Due sends that no cap holds are about to move; else the earliest of retry and next day."""
    sends = sum(row.due + row.later for row in rows)
    today = campaign.now.astimezone(UTC).date()
    given = {"ips": campaign.ips, "providers": [row.provider for row in rows], "today": today}
    usable: Any = await (await conn.execute(SQL["usable"], given)).fetchone()
    if not usable[0]:
        detail = "none of its sending IPs is there, or all are retired"
        return Hold(HoldKind.IPS, detail, sends=sends)
    capped = {row[0] for row in await (await conn.execute(SQL["capped"], given)).fetchall()}
    free = [row for row in rows if row.provider not in capped]
    if any(row.due for row in free):
        return None
    dues = [row.next_due_at for row in free if row.next_due_at]
    if dues:
        return Hold(HoldKind.RETRY, "deferred sends wait", min(dues), sends)
    tomorrow = datetime.combine(today + timedelta(days=1), time(), UTC)
    detail = f"the cap of today is used up for {', '.join(sorted(capped))}"
    return Hold(HoldKind.CAP, detail, tomorrow, sends)
