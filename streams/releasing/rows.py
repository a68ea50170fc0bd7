"""Reads what a tick decides on, and writes what it decided. All under the schedule's lock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from psycopg.types.json import Jsonb

from adapters.postgres import named_sql
from domain import masks
from domain.uses import Use
from projections.fold import Connection
from streams.columns import columns
from streams.releasing import volume
from streams.releasing.bounds import Bounds
from streams.releasing.picking import (
    Allowance,
    Cell,
    Deficits,
    Lane,
    Pick,
    Rules,
    Waiting,
    Wider,
    limits,
)

SQL = named_sql(Path(__file__).with_name("releases.sql"))

#: Waiting rows that one tick looks at, spread over the campaigns that have some.
ROWS_MAX = 1_000
ROWS_OF_A_CAMPAIGN_MIN = 8
ROWS_OF_A_TIGHT_PROVIDER = 16

ReleaseId = Callable[..., str]
SendsLeft = Mapping[tuple[str, str], float]  # (ip, provider) → sends that cap and bucket allow
Campaigns = Mapping[str, Sequence[str]]  # campaign_id → the IPs it may use
WiderBy = Mapping[str, Wider]  # campaign_id → what binds it beside its cells


class CapOverrun(RuntimeError):  # noqa: N818 - says what would have happened
    """A charge would exceed a cap that was read just before: a bug. Nothing was committed."""


@dataclass(frozen=True)
class Moment:
    """Postgres's clock at the start of a tick; the day is that of UTC."""

    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(UTC).date()

    def lease_until(self, lease_s: float) -> datetime:
        """The end of a lease that begins now; never past its cap day (design-fixes.md 10)."""
        midnight = datetime.combine(self.today + timedelta(days=1), time(), UTC)
        return min(self.now + timedelta(seconds=lease_s), midnight)


async def rows_of(conn: Connection, name: str, **given: Any) -> list[tuple[Any, ...]]:
    """All rows of a named statement."""
    return await (await conn.execute(SQL[name], given)).fetchall()


# ---- reading


async def allowance(
    conn: Connection, moment: Moment, ips: Sequence[str], depth: int, bounds: Bounds
) -> tuple[Allowance, Rules, SendsLeft]:
    """The lanes with room, the rules of their IPs, and what is left of the cells that are tight."""
    given = {"ips": list(ips), "today": moment.today, "now": moment.now, "depth": depth}
    async with conn.pipeline():
        lanes = await conn.execute(SQL["lanes"], given)
        rules = await conn.execute(SQL["rules"], given)
        tight = await conn.execute(SQL["tight"], given)
    found = {ip: Lane(depth, depth - released) for ip, released in await lanes.fetchall()}
    left = {place: sends for place, sends in bounds.cells_left().items() if sends < depth}
    for *place, sends in await tight.fetchall():
        left[place[0], place[1]] = min(sends, left.get((place[0], place[1]), sends))
    with_room = {ip: lane for ip, lane in found.items() if lane.room > 0}
    allowed = Allowance(with_room, bounds=bounds, alive=frozenset(found))
    return allowed, _rules(await rules.fetchall()), left


def _rules(rows: Sequence[tuple[Any, ...]]) -> Rules:
    caps: dict[tuple[str, str], int | None] = {}
    rates: dict[tuple[str, str], tuple[float, int]] = {}
    for ip, provider, cap_set, cap_per_day, rate_set, rate_per_s, burst in rows:
        if cap_set:
            caps[ip, provider] = cap_per_day
        if rate_set:
            rates[ip, provider] = rate_per_s, burst
    return Rules(caps, rates)


async def due(
    conn: Connection,
    moment: Moment,
    campaigns: Campaigns,
    rules: Rules,
    left: SendsLeft,
    depth: int,
    wider: WiderBy,
    shut_zones: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[Waiting]:
    """The first waiting rows of each campaign that may leave now.

    `shut_zones`: by campaign, the zones whose clocks show no time of its window.
    """
    wanted = [
        {"campaign_id": campaign_id, "shut_zones": list(shut_zones.get(campaign_id, ()))}
        | asdict(limits(ips, rules, left, depth, wider.get(campaign_id, _NOTHING_WIDER)))
        for campaign_id, ips in campaigns.items()
    ]
    rows_max = max(ROWS_OF_A_CAMPAIGN_MIN, ROWS_MAX // max(1, len(wanted)))
    found = await rows_of(
        conn,
        "due",
        wanted=Jsonb(wanted),
        now=moment.now,
        depth=depth,
        rows_max=rows_max,
        tight_rows_max=ROWS_OF_A_TIGHT_PROVIDER,
    )
    return [_waiting(row, _ips_of(row, campaigns, wider)) for row in found]


_NOTHING_WIDER = Wider()


def _ips_of(row: Sequence[Any], campaigns: Campaigns, wider: WiderBy) -> Sequence[str]:
    campaign_id, provider = row[4], row[5]
    spares = wider.get(campaign_id, _NOTHING_WIDER).spares.get(provider, ())
    return (*campaigns[campaign_id], *spares)


def _waiting(row: Sequence[Any], ips: Sequence[str]) -> Waiting:
    batch_id, n, due_at, tenant_id, campaign_id, provider, priority, ranges = row
    return Waiting(
        batch_id=batch_id,
        n=n,
        due_at=due_at,
        tenant_id=tenant_id,
        campaign_id=campaign_id,
        provider=provider,
        priority=priority,
        mask=masks.read(ranges),
        ips=tuple(ips),
    )


async def fill(
    conn: Connection, moment: Moment, allowed: Allowance, rules: Rules, rows: Sequence[Waiting]
) -> Deficits:
    """Complete the allowance with the cells that the rows may need; returns what is owed."""
    places = {(ip, row.provider) for row in rows for ip in row.ips if ip in allowed.lanes}
    given = {
        "ips": sorted({ip for ip, _ in places}),
        "providers": sorted({provider for _, provider in places}),
        "today": moment.today,
    }
    async with conn.pipeline():
        used = await conn.execute(SQL["used"], given)
        buckets = await conn.execute(SQL["buckets"], given)
        deficits = await conn.execute(SQL["deficits"])
    used_by = {(ip, provider): sends for ip, provider, sends in await used.fetchall()}
    stored = {(ip, provider): rest for ip, provider, *rest in await buckets.fetchall()}
    for place in places:
        tokens = _tokens(rules.rate(*place), stored.get(place), moment.now)
        paced, quota = allowed.bounds.tokens(*place), allowed.bounds.quota(*place)
        cap = _least(rules.cap(*place), quota)
        allowed.cells[place] = Cell(cap, used_by.get(place, 0), tokens, paced)
    return {(priority, tenant): sends for priority, tenant, sends in await deficits.fetchall()}


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _tokens(
    rate: tuple[float, int] | None, stored: Sequence[Any] | None, now: datetime
) -> float | None:
    """What a bucket holds: full at first; a clock that was set back adds nothing."""
    if rate is None:
        return None
    per_s, burst = rate
    if stored is None:
        return float(burst)
    tokens, refilled_at = float(stored[0]), stored[1]
    elapsed_s: float = max(0.0, (now - refilled_at).total_seconds())
    return min(float(burst), tokens + elapsed_s * per_s)


# ---- writing


@dataclass(frozen=True)
class Released:
    """A new release row: a pick or an ending, with its identity."""

    release_id: str
    number: int
    row: Waiting
    mask: int
    ip: str = ""
    cap_per_day: int | None = None
    used: tuple[Use, ...] = ()
    outcome: str = ""
    reason: str = ""

    @property
    def size(self) -> int:
        return self.mask.bit_count()

    @property
    def uses(self) -> str:
        """What it is charged to beside its cell, as the statement `release` takes it."""
        return "\x1f".join(use.name for use in self.used)


async def numbered(
    conn: Connection, parts: Sequence[tuple[Waiting, int]], release_id: ReleaseId
) -> list[tuple[str, int]]:
    """For each (row, part of it) the id and number of the release that it becomes."""
    keys = columns("batch_id n", [(row.batch_id, row.n) for row, _ in parts])
    found = await rows_of(conn, "numbers", **keys)
    highest = defaultdict(int, {(batch_id, n): number or 0 for batch_id, n, number in found})
    made = []
    for row, _ in parts:
        highest[row.batch_id, row.n] += 1
        number = highest[row.batch_id, row.n]
        made.append((release_id(row.batch_id, row.n, number), number))
    return made


async def save(
    conn: Connection,
    moment: Moment,
    releases: Sequence[Released],
    lease_until: datetime,
    state: str,
) -> None:
    """Take the releases' sends out of the waiting rows and note the releases."""
    taken = [(r.row.batch_id, r.row.n, r.row.due_at, masks.text(r.mask)) for r in releases]
    noted = [_noted(one) for one in releases]
    stamp = {"today": moment.today, "lease_until": lease_until, "state": state}
    await conn.execute(SQL["take"], columns("batch_id n due_at ranges", taken))
    await conn.execute(SQL["release"], columns(_RELEASE, noted) | stamp)


_OF_THE_ROW = "batch_id n tenant_id campaign_id provider priority due_at"
_OF_THE_RELEASE = "release_id number ip size cap_per_day outcome reason uses"
_RELEASE = f"{_OF_THE_ROW} {_OF_THE_RELEASE} ranges"


def _noted(one: Released) -> tuple[Any, ...]:
    row = [getattr(one.row, name) for name in _OF_THE_ROW.split()]
    release = [getattr(one, name) for name in _OF_THE_RELEASE.split()]
    return (*row, *release, masks.text(one.mask))


async def charge(
    conn: Connection, moment: Moment, picks: Sequence[Pick], allowed: Allowance
) -> None:
    """Charge caps and buckets for the picks. Raises CapOverrun rather than exceed a cap (I7)."""
    sizes: defaultdict[tuple[str, str], int] = defaultdict(int)
    for pick in picks:
        sizes[pick.ip, pick.row.provider] += pick.size
    cells = [(*place, sizes[place], allowed.cells[place].cap_per_day) for place in sorted(sizes)]
    given = columns("ip provider size cap_per_day", cells) | {"today": moment.today}
    uses = volume.charges(picks, allowed.bounds)
    wide = columns("scope scope_id provider size most", uses) | {"today": moment.today}
    async with conn.pipeline():
        await conn.execute(SQL["open_cells"], given)
        charged = await conn.execute(SQL["charge"], given)
        await conn.execute(SQL["open_uses"], wide)
        used = await conn.execute(SQL["charge_uses"], wide)
        await _put_tokens(conn, moment, allowed, sizes)
    if charged.rowcount != len(cells) or used.rowcount != len(uses):
        raise CapOverrun(
            f"{len(cells)} cells and {len(uses)} uses to charge,"
            f" {charged.rowcount} and {used.rowcount} had room"
        )


async def _put_tokens(
    conn: Connection, moment: Moment, allowed: Allowance, places: Iterable[tuple[str, str]]
) -> None:
    """What is left of the static rates' buckets, and of the governor's."""
    cells = {place: allowed.cells[place] for place in places}
    held = [(*place, cell.tokens) for place, cell in cells.items() if cell.tokens is not None]
    paced = [(*place, cell.paced) for place, cell in cells.items() if cell.paced is not None]
    for rows, statement in ((held, SQL["put_buckets"]), (paced, volume.SQL["put_buckets"])):
        if rows:
            await conn.execute(statement, columns("ip provider tokens", rows) | {"now": moment.now})


async def save_deficits(conn: Connection, before: Deficits, after: Deficits) -> None:
    """Write what changed of what is owed."""
    changed = [(*key, sends) for key, sends in after.items() if before.get(key) != sends]
    if changed:
        await conn.execute(SQL["put_deficits"], columns("priority tenant_id deficit", changed))
    gone = [key for key in before if key not in after]
    if gone:
        await conn.execute(SQL["drop_deficits"], columns("priority tenant_id", gone))


async def endings(
    conn: Connection, moment: Moment, cancelled: Sequence[str], rows_max: int
) -> list[tuple[Waiting, str, str]]:
    """Waiting rows that are to end, each with outcome and reason."""
    found = await rows_of(
        conn, "endings", now=moment.now, cancelled=list(cancelled), rows_max=rows_max
    )
    return [(_waiting(row[:-2], ()), *row[-2:]) for row in found]
