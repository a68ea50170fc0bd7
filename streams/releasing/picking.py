"""Which waiting sends leave now, from which IP: pure, from rows that the releaser has read.

A slice is a whole waiting row where it fits: every slice costs a record and a claim.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain import masks
from domain.fairness import Turns, by_priority, round_robin
from domain.ip_choice import Candidate
from domain.sending import BATCH_SIZE_MAX
from domain.sending_ip import EVERY_PROVIDER
from domain.uses import Use
from streams.releasing.bounds import Bounds

#: Providers of a campaign that are looked up one by one; more of them are looked for in the crowd.
TIGHT_MAX = 64

#: (priority, tenant) → sends owed; tenant "" stands for the priority itself.
Deficits = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Waiting:
    """A waiting row that is due, with the IPs it may leave from."""

    batch_id: str
    n: int
    due_at: datetime
    tenant_id: str
    campaign_id: str
    provider: str
    priority: str
    mask: int
    ips: tuple[str, ...]


@dataclass(frozen=True)
class Pick:
    """Sends of a waiting row that leave from this IP."""

    row: Waiting
    mask: int
    ip: str
    cap_per_day: int | None  # the least of static cap and quota
    uses: tuple[Use, ...] = ()  # what it is charged to beside its cell

    @property
    def size(self) -> int:
        return self.mask.bit_count()


@dataclass
class Lane:
    """An IP's lane: how many sends it takes in, of how many at most."""

    depth: int
    room: int


@dataclass
class Cell:
    """What (IP, provider) still allows today. None: nothing binds."""

    cap_per_day: int | None = None
    used: int = 0
    tokens: float | None = None  # of the static rate
    paced: float | None = None  # tokens of the governor's rate

    @property
    def headroom(self) -> float:
        """Sends to go until the cap binds."""
        return float("inf") if self.cap_per_day is None else self.cap_per_day - self.used

    @property
    def limit(self) -> float:
        """Sends that may leave at this moment."""
        tokens = [int(held) for held in (self.tokens, self.paced) if held is not None]
        return min([self.headroom, *tokens])


@dataclass(frozen=True)
class Rules:
    """Caps and rates by (IP, provider); provider `*`: each one without its own."""

    caps: Mapping[tuple[str, str], int | None]
    rates: Mapping[tuple[str, str], tuple[float, int]]  # messages per second, burst

    def cap(self, ip: str, provider: str) -> int | None:
        """Messages a day, or None when nothing binds."""
        own = (ip, provider)
        return self.caps[own] if own in self.caps else self.caps.get((ip, EVERY_PROVIDER))

    def rate(self, ip: str, provider: str) -> tuple[float, int] | None:
        return self.rates.get((ip, provider)) or self.rates.get((ip, EVERY_PROVIDER))


@dataclass(frozen=True)
class Limits:
    """How a campaign's rows are to be looked for, by what its IPs allow towards each provider."""

    shut: tuple[str, ...] = ()  # no IP has room
    tight: tuple[str, ...] = ()  # less room than a lane
    only: tuple[str, ...] | None = None  # None: every other provider is open


@dataclass(frozen=True)
class Wider:
    """What binds a campaign beside its own cells, by provider."""

    left: Mapping[str, float] = field(default_factory=dict)  # sends that its domain may still send
    spares: Mapping[str, Sequence[str]] = field(default_factory=dict)  # IPs that take its excess


def limits(
    ips: Sequence[str],
    rules: Rules,
    sends_left: Mapping[tuple[str, str], float],
    depth: int,
    wider: Wider,
) -> Limits:
    """What `ips` allow. `sends_left`: of cells that were used today and are tight."""
    cells = (*rules.caps, *rules.rates, *sends_left)
    named = {provider for ip, provider in cells if ip in ips} - {EVERY_PROVIDER}
    named |= wider.left.keys() | wider.spares.keys()

    def room(provider: str) -> float:
        usable = (*ips, *wider.spares.get(provider, ()))
        found = max((_left(rules, ip, provider, sends_left) for ip in usable), default=0.0)
        return min(found, wider.left.get(provider, float("inf")))

    rooms = {provider: room(provider) for provider in sorted(named)}
    shut = tuple(provider for provider, left in rooms.items() if left < 1)
    tight = tuple(provider for provider, left in rooms.items() if 1 <= left < depth)[:TIGHT_MAX]
    if room(EVERY_PROVIDER) < 1:
        return Limits(shut, tight, tuple(named - {*shut, *tight}))
    return Limits(shut, tight)


def _left(
    rules: Rules, ip: str, provider: str, sends_left: Mapping[tuple[str, str], float]
) -> float:
    """Sends left of the cell; of one that was not used yet, cap and burst as a whole."""
    cap, rate = rules.cap(ip, provider), rules.rate(ip, provider)
    return min(
        float("inf") if cap is None else cap,
        float("inf") if rate is None else rate[1],
        sends_left.get((ip, provider), float("inf")),
    )


@dataclass
class Allowance:
    """What lanes, caps and buckets allow; `place` takes from it."""

    lanes: dict[str, Lane]
    cells: defaultdict[tuple[str, str], Cell] = field(default_factory=lambda: defaultdict(Cell))
    bounds: Bounds = field(default_factory=Bounds)
    alive: frozenset[str] = frozenset()  # IPs that anything may leave from, with room or without

    @property
    def full(self) -> bool:
        return all(lane.room <= 0 for lane in self.lanes.values())

    def place(self, row: Waiting) -> Pick | None:
        """As many sends of the row as may leave, from the best of its IPs; or None."""
        options = [
            (self._rank(ip, row.provider), ip, size)
            for ip in row.ips
            if ip in self.lanes and (size := self._fit(row, ip)) > 0
        ]
        if not options:
            return None
        _, ip, size = max(options, key=lambda option: option[0])
        return self._take(row, ip, size)

    def _rank(self, ip: str, provider: str) -> tuple[bool, float, float]:
        """By headroom and reputation (domain/ip_choice.py)."""
        one = Candidate(self.cells[ip, provider].headroom, self.bounds.score(ip, provider))
        return one.rank(self.lanes[ip].room)

    def _fit(self, row: Waiting, ip: str) -> int:
        """A lane with any room takes a whole row: it is exceeded by less than one slice."""
        cell, lane = self.cells[ip, row.provider], self.lanes[ip]
        if lane.room <= 0:
            return 0
        room = self.bounds.room(row.campaign_id, ip, row.provider, row.n)
        return int(min(row.mask.bit_count(), BATCH_SIZE_MAX, cell.limit, lane.depth, room))

    def _take(self, row: Waiting, ip: str, size: int) -> Pick:
        cell = self.cells[ip, row.provider]
        self.lanes[ip].room -= size
        cell.used += size
        if cell.tokens is not None:
            cell.tokens -= size
        if cell.paced is not None:
            cell.paced -= size
        used = self.bounds.uses(row.campaign_id, ip, row.provider, row.n) or ()
        self.bounds.take(used, size)
        return Pick(row, masks.first(row.mask, size), ip, cell.cap_per_day, used)


def pick(rows: Iterable[Waiting], allowance: Allowance, deficits: Deficits) -> list[Pick]:
    """What leaves now, in order. Changes the allowance and what is owed."""
    owed, turns = _turns(rows, deficits)
    picks: list[Pick] = []
    row = next(turns, None)
    while row is not None:
        found = allowance.place(row)
        if found:
            picks.append(found)
        try:
            row = turns.send(found.size if found else 0)
        except StopIteration:
            break
        if allowance.full:
            break
    turns.close()
    _settle(deficits, owed)
    return picks


def _turns(
    rows: Iterable[Waiting], deficits: Deficits
) -> tuple[dict[str, dict[str, int]], Turns[Waiting]]:
    queues: defaultdict[str, defaultdict[str, list[Waiting]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows:
        queues[row.priority][row.tenant_id].append(row)
    owed: dict[str, dict[str, int]] = {priority: {} for priority in ("", *queues)}
    for (priority, tenant_id), sends in deficits.items():
        if not tenant_id:
            owed[""][priority] = sends
        elif priority in queues:
            owed[priority][tenant_id] = sends
    streams = {
        priority: round_robin(tenants, lambda row: row.mask.bit_count(), owed[priority])
        for priority, tenants in queues.items()
    }
    return owed, by_priority(streams, owed[""])


def _settle(deficits: Deficits, owed: Mapping[str, Mapping[str, int]]) -> None:
    """Write back what is owed, of those priorities that had rows."""
    for key in [key for key in deficits if key[1] and key[0] in owed]:
        del deficits[key]
    for priority, by_tenant in owed.items():
        for name, sends in by_tenant.items():
            deficits[(priority, name) if priority else (name, "")] = sends
