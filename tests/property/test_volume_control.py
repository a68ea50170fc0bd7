"""I3 and exactly-once: whatever is repeated, cut, lost or killed, each record is counted once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random
from typing import Any, ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.governor.orders import VolumeOrdered
from domain.sending import OutcomesRecorded, Result, SliceStarted
from domain.sending_domain import DomainVerified
from domain.sending_ip import WarmupPlanChosen
from domain.signals import (
    BounceReceived,
    ComplaintReceived,
    ListingObserved,
    SpamShareReported,
)
from ops.volume_replay import Replayed, replay
from streams.volume.control import Control, VolumeDeps
from streams.volume.folds import TenantState
from tests.volume_log import PLACES, Crashed, Ledger, Letters, Log, Rows

TENANTS = ("ten_a", "ten_b", "ten_c")
PROVIDERS = ("yahoo", "gmail")
REASONS = (
    *[("accepted", "ACCEPTED", "dot", 250)] * 8,
    *[("deferred", "REPUTATION_DEFER", "mail", 421)] * 3,
    ("rejected", "REPUTATION_BLOCK", "mail", 550),
    ("rejected", "INVALID_RECIPIENT", "rcpt", 550),
    ("ambiguous", "AMBIGUOUS", "dot", 0),
    ("suppressed", "hard_bounce", "", 0),
)


@dataclass
class World:
    """A history that grows, the workers that live through it, and what they leave."""

    MOMENTS_MS: ClassVar[Sequence[int]] = (0, 0, 40, 900, 60_000, 3_600_000, 30_000_000)

    seed: int
    log: Log = field(default_factory=Log)
    ledger: Ledger = field(default_factory=Ledger)
    letters: Letters = field(default_factory=Letters)

    def __post_init__(self) -> None:
        self.dice = Random(self.seed)
        self.rows = Rows(self.log)
        self.given = dict.fromkeys(PLACES, 0)  # how far Faust gave
        self.releases = 0
        self.waiting: list[Any] = []  # outcomes to come
        self.control = self._control()

    def _control(self) -> Control:
        deps = VolumeDeps(self.rows, self.log, self.ledger, self.letters, PLACES)
        return Control(deps)

    async def live(self, steps: int) -> None:
        """So many moments, then everything is read to its end."""
        for _ in range(steps):
            self.log.now_ms += self.dice.choice(self.MOMENTS_MS)
            self._happen()
            if self.dice.random() < 0.4:
                await self._give()
        for _ in range(4):  # what is decided comes into the log again
            await self.control.catch_up()

    async def _give(self) -> None:
        """What Faust may do: repeat, skip, cut; and the process may die, or time be up."""
        if self.dice.random() < 0.25:
            self.rows.crash = self.dice.choice(("before", "after"))
        records = []
        for place, held in self.log.records.items():
            start = max(0, self.given[place] - self.dice.choice((0, 0, 3)))
            stop = self.dice.randint(start, len(held))
            skipped = start + self.dice.choice((0, 0, 0, 2))
            records += held[skipped:stop]
            self.given[place] = max(self.given[place], stop)
        self.dice.shuffle(records)
        try:
            await self.control.hear(records)
            await self.control.wake()
        except Crashed:
            self.control = self._control()
        self.rows.crash = ""

    # ---- what happens

    def _happen(self) -> None:
        often = [self._start] * 3 + [self._conclude] * 2
        rest = [self._choose, self._order, self._signal, self._report, self._repeat, self._poison]
        self.dice.choice([*often, *rest])()

    def _where(self) -> tuple[str, str, str]:
        tenant = self.dice.choice(TENANTS)
        return tenant, f"ip_{tenant[-1]}{self.dice.randint(1, 2)}", self.dice.choice(PROVIDERS)

    def _start(self) -> None:
        tenant, ip, provider = self._where()
        self.releases += 1
        size = self.dice.randint(1, 40)
        about: dict[str, Any] = {
            "release_id": f"rel_{self.releases}",
            "batch_id": f"bat_{self.releases}",
            "tenant_id": tenant,
            "campaign_id": f"cmp_{tenant[-1]}",
            "n": 1,
            "ip": ip,
            "provider": provider,
            "domain_id": self.dice.choice(("", f"dom_{tenant[-1]}")),
        }
        started = SliceStarted(
            **about,
            ranges=[[0, size]],
            cap_day=date(2027, 1, 15),
            cap_per_day=None,
            deadline_at=datetime(2027, 1, 15, tzinfo=UTC),
            owner="o",
            journal="j",
        )
        partition = self.dice.randint(0, 1)
        record = self.log.tell(started, partition)
        self._told_start(tenant, size)
        if self.dice.random() < 0.15:
            self.log.again(record)
        self.waiting += [(about, low, min(low + 15, size), partition) for low in range(0, size, 15)]

    def _conclude(self) -> None:
        if not self.waiting:
            return
        about, low, high, partition = self.waiting.pop(self.dice.randrange(len(self.waiting)))
        results = []
        for index in range(low, high):
            outcome, reason, phase, code = self.dice.choice(REASONS)
            self._told_end(about["tenant_id"], reason)
            results.append(
                Result(
                    outcome=outcome,
                    reason=reason,
                    ranges=[[index, index + 1]],
                    phase=phase,
                    code=code,
                )
            )
        record = self.log.tell(
            OutcomesRecorded(**about, source="owner", results=results), partition
        )
        if self.dice.random() < 0.2:
            self.log.again(record)

    def _told_start(self, tenant: str, size: int) -> None:
        """Count what was told."""

    def _told_end(self, tenant: str, reason: str) -> None:
        """Count what was told."""

    def _choose(self) -> None:
        tenant, ip, provider = self._where()
        plan = self.dice.choice(("standard", "fast", "conservative", "none"))
        self._plan(tenant, ip, self.dice.choice(("*", "*", provider)), plan)

    def _plan(self, tenant: str, ip: str, provider: str, plan: str) -> None:
        chosen = WarmupPlanChosen(
            tenant_id=tenant,
            ip=ip,
            provider=provider,
            plan=plan,
            curve=[],
            target=0,
            reason="",
        )
        record = self.log.tell(chosen, TENANTS.index(tenant) % 2)
        if self.dice.random() < 0.2:
            self.log.again(record)

    def _order(self) -> None:
        tenant, ip, provider = self._where()
        action = self.dice.choice(("stop", "resume", "quota", "warm", "nonsense"))
        ordered = VolumeOrdered(
            tenant_id=tenant,
            scope="cell",
            scope_id=ip,
            provider=provider,
            action=action,
            quota=500,
            reason="",
        )
        self.log.tell(ordered, TENANTS.index(tenant) % 2)

    def _signal(self) -> None:
        tenant, ip, provider = self._where()
        send_id = f"snd_{self.dice.randint(1, 60)}"
        if self.dice.random() < 0.5:
            self.ledger.left[send_id] = ip, provider, f"cmp_{tenant[-1]}"
        event: Any = ComplaintReceived(
            tenant_id=tenant, send_id=send_id, feedback_type="abuse", source="s"
        )
        if self.dice.random() < 0.5:
            kind = self.dice.choice(("hard", "soft"))
            event = BounceReceived(
                tenant_id=tenant, send_id=send_id, kind=kind, reason="", code=550, enhanced=""
            )
        record = self.log.tell(event, self.dice.randint(0, 1))
        if self.dice.random() < 0.3:
            self.log.again(record)

    def _report(self) -> None:
        tenant, ip, provider = self._where()
        listing = ListingObserved(
            tenant_id=tenant,
            about_id=ip,
            zone=self.dice.choice(("a.test", "b.test")),
            listed=self.dice.random() < 0.5,
            code="",
            tier=self.dice.randint(1, 2),
        )
        self.log.tell(listing, 0)
        share = SpamShareReported(
            tenant_id=tenant,
            about_id=ip,
            provider=provider,
            day=date(2027, 1, self.dice.randint(1, 28)),
            share_ppm=4_000,
            messages=1_000,
            traps=self.dice.randint(0, 1),
            verdict="",
            source="feed",
        )
        self.log.again(self.log.tell(share, 1))

    def _repeat(self) -> None:
        held = self.log.records[self.dice.choice(PLACES)]
        if held and b"VolumeAdvanced" not in dict(held[-1].headers).values():
            self.log.again(held[-1])

    def _poison(self) -> None:
        record = self.log.tell(VERIFIED)
        record.value = b"{"


VERIFIED = DomainVerified(tenant_id="ten_a", domain_id="dom_a", checks=[])


def bytes_of(replayed: Replayed) -> dict[str, tuple[bytes, ...]]:
    return {tenant_id: state.encoded() for tenant_id, state in replayed.states.items()}


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_a_replay_of_the_log_comes_to_the_same_bytes(seed: int) -> None:
    asyncio.run(_replayed(seed))


async def _replayed(seed: int) -> None:
    world = World(seed)
    await world.live(80)
    decided: list[Any] = []

    replayed = await replay(
        world.log, PLACES, watch=lambda _advance, _turn, turned: decided.extend(turned.decided)
    )

    assert bytes_of(replayed) == {one: parts for one, (_, _, parts) in world.rows.held.items()}
    assert decided == world.rows.decided
    assert replayed.told.get("1", 0) == world.rows.advances
    ends = {place: len(held) for place, held in world.log.records.items()}
    assert all(world.rows.positions[place] == end for place, end in ends.items() if end)


class Counted(World):
    """All is governed from the start and happens on one day; what was told is counted by hand."""

    MOMENTS_MS = (0, 0, 40, 900)

    def begin(self) -> None:
        self.started: Counter[str] = Counter()
        self.ends: Counter[tuple[str, str]] = Counter()
        for tenant in TENANTS:
            for number in (1, 2):
                self._plan(tenant, f"ip_{tenant[-1]}{number}", "*", "standard")

    def _happen(self) -> None:
        self.dice.choice([self._start, self._start, self._conclude, self._conclude])()

    def _told_start(self, tenant: str, size: int) -> None:
        self.started[tenant] += size

    def _told_end(self, tenant: str, reason: str) -> None:
        self.ends[tenant, reason] += 1


@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_i3_each_message_is_counted_once_whatever_is_repeated_or_killed(seed: int) -> None:
    asyncio.run(_counted(seed))


async def _counted(seed: int) -> None:
    world = Counted(seed)
    world.begin()
    await world.control.catch_up()  # mail from before a plan was read counts for nothing
    await world.live(60)

    for tenant in TENANTS:
        state = TenantState.decoded(world.rows.held[tenant][2]).states[0]
        cells = [cell for cell in state.cells.values() if cell.kind == "cell"]
        assert sum(cell.started for cell in cells) == world.started[tenant]
        for kind, reason in KINDS:
            told = sum(getattr(cell.today, kind) for cell in cells)
            assert told == world.ends[tenant, reason], kind


KINDS = (
    ("accepted", "ACCEPTED"),
    ("deferred", "REPUTATION_DEFER"),
    ("blocked", "REPUTATION_BLOCK"),
    ("hard", "INVALID_RECIPIENT"),
)
