"""Whom a campaign would reach: how many, who is held back and by what, how long it would take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from psycopg import Rollback

from adapters.contacts.leads import Statement, into_list
from adapters.message import engine, tags
from adapters.message.template_file import SYSTEM_VARIABLES
from adapters.postgres import named_sql
from api.commands import segments
from api.desk import Desk
from domain import ip_pool
from domain.campaign import CampaignDrafted
from domain.suppression import Scope, hash_key

SQL = named_sql(Path(__file__).with_name("audience.sql"))
PARTS = ("subject", "html", "text")
RELAY = "relay"
OF_THE_SEGMENT = "lst_of_the_segment"  # in a transaction that is taken back


@dataclass(frozen=True)
class Cell:
    """Leads of one provider with one fate. `held_by`: a scope, `erased`, or empty."""

    provider: str
    held_by: str
    leads: int
    memberships: int  # of lists: one more per lead is a duplicate
    incomplete: int  # leads that lack a field the template needs


@dataclass(frozen=True)
class Audience:
    """What the lists of a campaign come to now."""

    cells: tuple[Cell, ...]
    lacking: Mapping[str, int]  # field that the template needs → leads without it

    @property
    def leads(self) -> int:
        return sum(cell.leads for cell in self.cells)

    @property
    def duplicates(self) -> int:
        return sum(cell.memberships - cell.leads for cell in self.cells)

    @property
    def erased(self) -> int:
        return self.held("erased")

    def held(self, by: str) -> int:
        """Leads held back by one thing."""
        return sum(cell.leads for cell in self.cells if cell.held_by == by)

    @property
    def mailable(self) -> int:
        return self.held("")

    @property
    def incomplete(self) -> int:
        """Mailable leads that lack a field the template needs."""
        return sum(cell.incomplete for cell in self.cells if not cell.held_by)

    @property
    def by_provider(self) -> dict[str, int]:
        """Mailable leads."""
        return {cell.provider: cell.leads for cell in self.cells if not cell.held_by}


def audience_of(desk: Desk, drafted: CampaignDrafted) -> Audience:
    """The audience as it is now; nothing is kept of it. A list of a million leads takes seconds.

    Raises NotFound for a segment that is not there.
    """
    segment = _segment(desk, drafted.segment_id)
    values: dict[str, Any] = {
        "tenant_id": desk.tenant_id,
        "list_ids": [*drafted.list_ids, OF_THE_SEGMENT],
        "required": required_fields(desk, drafted.content_id),
        "hash_key": hash_key(desk.id_key),
        "workspace_id": drafted.workspace_id,
        "message_class": drafted.message_class,
        "provider": RELAY if relayed(desk, drafted) else None,
    }
    with desk.transaction() as conn:
        if segment:
            conn.execute(segment.sql, segment.values | {"tenant_id": desk.tenant_id})
        cells = conn.execute(SQL["judged"], values).fetchall()
        lacking = conn.execute(SQL["lacking"], values).fetchall()
        found = Audience(tuple(Cell(*row) for row in cells), dict(lacking))
        raise Rollback  # the segment's leads were in a list for this look alone
    return found


def _segment(desk: Desk, segment_id: str) -> Statement | None:
    """Puts who is in the segment into a list."""
    if not segment_id:
        return None
    given = segments.require(desk, segment_id)["filter"]
    return into_list(segments.where(given, desk.id_key, desk.workspace_ids), OF_THE_SEGMENT)


def usable_ips(desk: Desk, ips: Sequence[str]) -> dict[str, str]:
    """Sending IPs that a campaign may use → their route; none named: all of the tenant."""
    return {row["ip"]: row["route"] for row in desk.rows(SQL["usable_ips"], ips=list(ips))}


def egress_of(desk: Desk, drafted: CampaignDrafted) -> dict[str, str]:
    """As `usable_ips`, of those that the draft, or its pool as it is now, names."""
    if not drafted.pool_id:
        return usable_ips(desk, drafted.ips)
    pool: ip_pool.State = desk.state(ip_pool, ip_pool.stream(drafted.pool_id))
    return usable_ips(desk, pool.ips) if pool.ips and not pool.retired else {}


def relayed(desk: Desk, drafted: CampaignDrafted) -> bool:
    """Whether all goes through a relay, which answers for what it takes."""
    return set(egress_of(desk, drafted).values()) == {RELAY}


def required_fields(desk: Desk, content_id: str) -> list[str]:
    """The fields that a template shows and has no default for."""
    found = desk.rows(SQL["content"], content_id=content_id)
    body: Mapping[str, Any] = found[0]["body"] if found else {}
    uses = [use for part in PARTS for use in _uses(str(body.get(part, "")))]
    return sorted({use.name for use in uses if not use.has_default} - SYSTEM_VARIABLES)


def _uses(source: str) -> list[tags.Use]:
    wanted = engine.undeclared(source)
    parts = [part for part in tags.split(source) if isinstance(part, tags.Tag)]
    return [use for part in parts for use in tags.uses(part) if use.name in wanted]


def days_of(desk: Desk, found: Audience, ips: Sequence[str], today: date) -> list[dict[str, Any]]:
    """Per provider: how many go there, and on how many days under the caps; None: never."""
    by_provider = found.by_provider
    rows = desk.rows(SQL["capacity"], providers=list(by_provider), ips=list(ips), today=today)
    capacity = {row["provider"]: (row["today"], row["per_day"]) for row in rows}
    return [
        {
            "provider": provider,
            "leads": leads,
            "cap_per_day": capacity.get(provider, (0, 0))[1],
            "headroom_today": capacity.get(provider, (0, 0))[0],
            "days": _days(leads, *capacity.get(provider, (0, 0))),
        }
        for provider, leads in by_provider.items()
    ]


def _days(leads: int, today: int | None, per_day: int | None) -> int | None:
    if per_day is None or today is None:
        return 1
    if leads <= today:
        return 1
    return 1 + math.ceil((leads - today) / per_day) if per_day else None


def told(found: Audience, days: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The estimate as it is answered."""
    spans = [each["days"] for each in days]
    return {
        "leads": found.leads,
        "duplicates": found.duplicates,
        "erased": found.erased,
        "suppressed": {scope.value: found.held(scope) for scope in Scope},
        "mailable": found.mailable,
        "incomplete": found.incomplete,
        "lacking": [{"field": name, "leads": leads} for name, leads in found.lacking.items()],
        "by_provider": list(days),
        "days": None if None in spans else max(spans, default=0),
    }
