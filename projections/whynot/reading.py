"""Looks at the rows that decide about campaigns: everything in two exchanges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from adapters.postgres import named_sql
from domain.governor.draft import fresh
from domain.governor.state import Cell as GovernorCell
from domain.governor.state import Choice
from projections.reads import Bound
from projections.whynot.rows import (
    Breaker,
    Campaign,
    Cell,
    Ip,
    Moving,
    Quota,
    Row,
    Snapshot,
    Stage,
    Wait,
)

SQL = named_sql(Path(__file__).with_name("rows.sql"))
#: Ways are looked at towards the providers for which the most waits.
PROVIDERS_MAX = 300
START = "start"  # the rule of what nothing was decided about yet
R = TypeVar("R", Stage, Campaign, Wait, Ip, Cell, Breaker, Quota, Moving)


async def first_look(bound: Bound, campaign_ids: Sequence[str]) -> Snapshot:
    """Stage, campaigns, what waits and what moves of them."""
    asked = {"campaign_ids": list(campaign_ids)}
    stage, campaigns, waits, reasons, moving = await bound.several(
        (SQL["stage"], {}),
        (SQL["campaigns"], asked),
        (SQL["waits"], asked),
        (SQL["reasons"], asked),
        (SQL["moving"], asked),
    )
    return Snapshot(
        _made(Stage, stage[0]),
        {row["campaign_id"]: _campaign(row) for row in campaigns},
        _most(_waits(waits, reasons)),
        moving=[moving_of(row) for row in moving],
    )


def _waits(rows: Sequence[Row], reasons: Sequence[Row]) -> list[Wait]:
    """Each with what its deferred sends were told last, the most frequent class first."""
    told: dict[Row, Row] = {}
    for row in sorted(reasons, key=lambda row: (-row["sends"], row["reason"])):
        told.setdefault(_place(row), {})[row["reason"]] = row["sends"]
    found = []
    for row in rows:
        classes = told.get(_place(row))
        why = {"reason": next(iter(classes)), "reasons": classes} if classes else {}
        found.append(_made(Wait, row | {"why": why}))
    return found


def _place(row: Row) -> Any:
    return row["campaign_id"], row["provider"], row["zone"]


def _most(waits: Sequence[Wait]) -> list[Wait]:
    """Those for which the most waits; what is due goes before what is not."""
    return sorted(waits, key=lambda one: (-one.due, -one.later, -one.parked))[:PROVIDERS_MAX]


async def ways_of(
    bound: Bound, snap: Snapshot, ips: Iterable[str] = (), providers: Iterable[str] = ()
) -> Snapshot:
    """The same look, with what is on the ways of what waits; and on those of `ips`."""
    campaigns = list(snap.campaigns.values())
    today = snap.stage.now.astimezone(UTC).date()
    own = {ip for campaign in campaigns for ip in campaign.ips} | set(ips)
    asked = {"ips": sorted(own), "campaign_ids": [one.campaign_id for one in campaigns]}
    found = [_made(Ip, row) for row in await bound.rows(SQL["ips"], **asked)]
    towards = sorted({wait.provider for wait in snap.waits} | set(providers))
    names = sorted({ip.ip for ip in found})
    owners = sorted({*_owners(campaigns), *names, bound.tenant_id})
    cells, breakers, quotas, used = await bound.several(
        (SQL["cells"], {"ips": names, "providers": towards, "today": today}),
        (SQL["breakers"], {"owners": owners}),
        (SQL["quotas"], {"owners": owners}),
        (SQL["used"], {"owners": owners, "today": today}),
    )
    return replace(
        snap,
        ips=found,
        cells={(row["ip"], row["provider"]): _cell(row) for row in cells},
        breakers=[_made(Breaker, row) for row in breakers],
        quotas=_quotas(campaigns, towards, quotas),
        used={(row["scope"], row["scope_id"], row["provider"]): row["used"] for row in used},
    )


def _owners(campaigns: Sequence[Campaign]) -> Iterable[str]:
    for one in campaigns:
        yield from (one.campaign_id, one.tenant_id, one.domain_id, one.mailbox_id)


def _made(kind: type[R], row: Mapping[str, Any]) -> R:
    """A record of the columns that it has; what is NULL is as it is by default."""
    names = {field.name for field in fields(kind)}
    return kind(**{name: row[name] for name in names & row.keys() if row[name] is not None})


def _campaign(row: Row) -> Campaign:
    return _made(Campaign, row | {"ips": tuple(row["ips"])})


def moving_of(row: Row) -> Moving:
    """What is not told to its lane yet has no moment since when it waits for a worker."""
    return _made(Moving, row | {"oldest_at": None if row["untold"] else row["oldest_at"]})


def _cell(row: Row) -> Cell:
    """With what a governed cell begins with, where nothing was decided about it yet."""
    cell = _made(Cell, row)
    if not cell.governed:
        return cell
    curve = tuple(row["curve"] or ())
    start = _first("cell", cell.provider, Choice(cell.plan, curve, row["target"] or 0))
    if cell.quota is None:
        cell = replace(cell, quota=start.quota, quota_rule=START)
    if cell.per_h is None:
        cell = replace(cell, per_h=start.pace.per_h, rate_rule=START)
    return cell


def _quotas(
    campaigns: Sequence[Campaign], providers: Sequence[str], rows: Sequence[Row]
) -> list[Quota]:
    decided = {(row["domain_id"], row["provider"]): _made(Quota, row) for row in rows}
    wanted = {(one.domain_id, provider) for one in campaigns for provider in providers}
    return [
        decided.get(place) or Quota(*place, _first("domain", place[1], None).quota, START)
        for place in sorted(wanted)
        if place[0]
    ]


@cache
def _first(kind: str, provider: str, choice: Choice | None) -> GovernorCell:
    """A scope that nothing was decided about; only read."""
    return fresh("", kind, "", provider, choice)
