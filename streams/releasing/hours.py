"""Which campaigns' sending windows are open, and until when what is released may leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path

from adapters.postgres import named_sql
from domain import windows
from domain.windows import SendWindow
from projections.fold import Connection
from streams.columns import columns
from streams.releasing.rows import Released

SQL = named_sql(Path(__file__).with_name("hours.sql"))


@dataclass(frozen=True)
class Hours:
    """The windows of the campaigns that have one, at one moment."""

    now: datetime
    windows: Mapping[str, SendWindow] = field(default_factory=dict)

    def shut(self, campaign_id: str) -> bool:
        """Whether nothing of the campaign may leave now, whoever it goes to."""
        window = self.windows.get(campaign_id)
        if window is None or window["zone_of"] == "recipient":
            return False
        return not windows.is_open(window, self.now)

    def shut_zones(self) -> dict[str, list[str]]:
        """Of campaigns that go by their recipients' clocks: the zones of no batch that may leave.

        An empty name stands for batches without a zone of their own.
        """
        return {
            campaign_id: [*windows.shut_zones(window, self.now), *_own(window, self.now)]
            for campaign_id, window in self.windows.items()
            if window["zone_of"] == "recipient"
        }


def _own(window: SendWindow, now: datetime) -> Iterable[str]:
    return () if windows.is_open(window, now) else ("",)


async def read(conn: Connection, now: datetime, campaign_ids: Iterable[str]) -> Hours:
    """The windows of these campaigns at this moment."""
    cursor = await conn.execute(SQL["windows"], {"campaign_ids": sorted(campaign_ids)})
    return Hours(now, dict(await cursor.fetchall()))


async def bind(conn: Connection, hours: Hours, made: Sequence[Released]) -> None:
    """Note when the windows of new releases close: later nothing of them is claimed or dotted."""
    bound = [one for one in made if one.row.campaign_id in hours.windows]
    if not bound:
        return
    wanted = {"batch_ids": sorted({one.row.batch_id for one in bound})}
    rows = await (await conn.execute(SQL["zones"], wanted)).fetchall()
    zones: dict[str, str] = dict(rows)

    @cache
    def closes_at(campaign_id: str, zone: str) -> datetime | None:
        return windows.next_close(hours.windows[campaign_id], hours.now, zone)

    ends = [
        (one.release_id, closes_at(one.row.campaign_id, zones[one.row.batch_id])) for one in bound
    ]
    await conn.execute(SQL["leave_by"], columns("release_id leave_by", ends))
