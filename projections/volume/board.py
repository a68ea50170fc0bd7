"""The warm-up board: how each cell stands today, and its days beside its plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from domain.governor.draft import fresh
from domain.governor.plans import CURVE_DAYS_MAX, CUSTOM, PLANS, planned
from domain.governor.state import UNBOUND, Cell, Choice
from domain.sending_ip import EVERY_PROVIDER
from projections.reads import Bound
from projections.volume.queries import SQL

NOT_GOVERNED = "none"
DAYS_MAX = CURVE_DAYS_MAX  # of a series
Row = dict[str, Any]
Place = tuple[str, str]  # (ip, provider)


@dataclass(frozen=True)
class _Known:
    """The rows behind a board, by place."""

    plans: Mapping[Place, Row]
    scopes: Mapping[tuple[str, str, str], Row]
    begun: Mapping[Place, date]
    use: Mapping[Place, Row]
    scores: Mapping[tuple[str, str, str], Row]


async def board(bound: Bound, day: date, ip: str = "") -> list[Row]:
    """Each (IP, provider) that mail left from or that has a plan or a decision, as of a UTC day.

    Not governed, it has no quota, rate or phase of its own: static caps and rates alone bind. A
    plan that met no provider yet stands there with the provider that it was chosen for.
    """
    asked = {"ip": ip}
    ips, plans, scopes, begun, use, scores = await bound.several(
        (SQL["ips"], asked),
        (SQL["plans"], asked),
        (SQL["scopes"], asked),
        (SQL["begun"], asked),
        (SQL["use"], asked | {"day": day}),
        (SQL["board_reputation"], asked),
    )
    known = _Known(
        {(row["ip"], row["provider"]): row for row in plans},
        {(row["scope"], row["scope_id"], row["provider"]): row for row in scopes},
        {(row["ip"], row["provider"]): row["first_mail_on"] for row in begun},
        {(row["ip"], row["provider"]): row for row in use},
        {(row["scope"], row["scope_id"], row["provider"]): row for row in scores},
    )
    active = {row["ip"] for row in ips}
    return [_cell(known, place, day) for place in _places(known) if place[0] in active]


async def series(bound: Bound, ip: str, provider: str, today: date) -> Row | None:
    """A cell's days since its first mail beside what its plan comes to at best.

    None: nothing ever left from the IP to the provider, and no plan holds there.
    """
    cells = {row["provider"]: row for row in await board(bound, today, ip)}
    cell = cells.get(provider) or cells.get(EVERY_PROVIDER)
    if cell is None:
        return None
    cell |= {"provider": provider}
    first = cell["first_mail_on"] or today
    first = max(first, today - timedelta(days=DAYS_MAX - 1))
    about = {"ip": ip, "provider": provider, "first": first, "last": today}
    days, quotas, plans = await bound.several(
        (SQL["days"], about), (SQL["quotas"], about), (SQL["plans"], {"ip": ip})
    )
    plan = _plan_of({(row["ip"], row["provider"]): row for row in plans}, (ip, provider))
    return cell | {"data": _days(first, today, days, quotas, _Line(plan, ip, provider))}


# ---- a cell


def _places(known: _Known) -> list[Place]:
    met = set(known.begun) | set(known.use)
    met |= {(owner, provider) for kind, owner, provider in known.scopes if kind == "cell"}
    unmet = {
        (ip, provider)
        for ip, provider in known.plans
        if provider != EVERY_PROVIDER or ip not in {met_ip for met_ip, _ in met}
    }
    return sorted(met | unmet)


def _cell(known: _Known, place: Place, day: date) -> Row:
    ip, provider = place
    plan = _plan_of(known.plans, place)
    governed = plan["plan"] != NOT_GOVERNED
    scope = known.scopes.get(("cell", ip, provider), {})
    used = _used(known.use.get(place))
    first = known.begun.get(place)
    started = governed and provider != EVERY_PROVIDER
    start = first_of(plan, ip, provider) if started else None
    quota = _of(scope, "quota", start and start.quota)
    score = known.scores.get(("cell", ip, provider))
    return {
        "ip": ip,
        "provider": provider,
        "plan": plan["plan"],
        "target": plan["target"],
        "day": (day - first).days + 1 if first else 0,
        "first_mail_on": first,
        "phase": (scope.get("phase") or ("warming" if first else "cold")) if governed else "",
        "quota": None if quota is None or quota >= UNBOUND or not governed else quota,
        "used": used,
        "left": max(0, quota - used) if governed and quota is not None else None,
        "rate_per_h": _of(scope, "per_h", start and int(start.pace.per_h)) if governed else None,
        "connections": _of(scope, "connections", start and 1) if governed else None,
        "breaker": _breaker(known, place),
        "reputation": score["score"] if score else None,
    }


def _of(scope: Row, name: str, otherwise: Any) -> Any:
    """What was decided, or how a cell begins."""
    return otherwise if scope.get(name) is None else scope[name]


def _used(row: Row | None) -> int:
    return int(row["started"] + row["reserved"]) if row else 0


def _breaker(known: _Known, place: Place) -> Row:
    """The widest that is not closed: the tenant's, then the IP's, then the cell's own."""
    ip, provider = place
    own = known.scopes.get(("cell", ip, provider), {})
    wider = [row for row in known.scopes.values() if row["scope"] == "tenant"]
    wider += [row for key, row in known.scopes.items() if key[:2] == ("ip", ip)]
    shut = next((row for row in (*wider, own) if row.get("breaker", "closed") != "closed"), own)
    return {
        "status": shut.get("breaker", "closed"),
        "scope": shut.get("scope", "cell"),
        "until": shut.get("breaker_until"),
        "rule": shut.get("breaker_rule", ""),
        "since": shut.get("breaker_at"),
    }


def _plan_of(plans: Mapping[Place, Row], place: Place) -> Row:
    """The provider's own plan, else that of every provider, else none."""
    own = plans.get(place) or plans.get((place[0], EVERY_PROVIDER))
    return own or {"plan": NOT_GOVERNED, "curve": [], "target": 0}


def first_of(plan: Row, ip: str, provider: str) -> Cell:
    """How a cell under this plan begins, before anything was decided about it."""
    choice = Choice(plan["plan"], tuple(plan["curve"]), plan["target"])
    return fresh("", "cell", ip, provider, choice)


# ---- its days


@dataclass(frozen=True)
class _Line:
    """What the plan comes to when every day earns its step."""

    plan: Row
    ip: str
    provider: str

    @property
    def begins(self) -> int | None:
        named = self.plan["plan"] in {*PLANS, CUSTOM}
        return first_of(self.plan, self.ip, self.provider).quota if named else None

    def over(self, days: int) -> list[int | None]:
        start = self.begins
        if start is None:
            return [None] * days
        return [*planned(self.plan["plan"], tuple(self.plan["curve"]), start, days)]


def _days(first: date, last: date, days: list[Row], quotas: list[Row], line: _Line) -> list[Row]:
    found = {row["day"]: row for row in days}
    count = (last - first).days + 1
    made = []
    for number, plan in enumerate(line.over(count)):
        day = first + timedelta(days=number)
        nothing = dict.fromkeys(("started", "accepted", "deferred", "blocked", "hard", "other"), 0)
        row = {"date": day, "day": number + 1, "planned": plan, "quota": None}
        if line.begins is not None:
            row["quota"] = _quota_at(day, quotas, line.begins)
        made.append(row | nothing | found.get(day, {}) | {"day": number + 1})
    return made


def _quota_at(day: date, quotas: list[Row], begins: int) -> int | None:
    """What held at the end of a day; None: no quota bound."""
    ends = datetime.combine(day + timedelta(days=1), time(), UTC)
    before = [row["new"] for row in quotas if row["decided_at"] < ends]
    quota = before[-1] if before else (quotas[0]["old"] if quotas else begins)
    return None if quota >= UNBOUND else int(quota)
