"""Volume control at work: takes turns over what came, and commits each with the place in the log.

What Faust gives may be repeated, late or missing. Offsets below the cursor were folded already;
where some are missing in between, they are read from Kafka directly, so that nothing is passed by.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from domain.governor import VERSION
from domain.governor.advances import Traced, Upto, VolumeAdvanced
from domain.governor.inputs import Scopes
from domain.platform import PLATFORM
from domain.ports import ConcurrentAppend, DeadLetters
from domain.signals import BounceReceived, ComplaintReceived
from streams.volume import sifting, turn
from streams.volume.inputs import HARD, Fact
from streams.volume.sifting import TOPICS, Place, Raw, Sifted
from streams.volume.store import Commit, Held, Looked, Overtaken, Store, Unfit, moment
from streams.volume.tracing import Tracer
from streams.volume.turn import Turn, Turned, tick_place

RUN_MAX = 500  # records of a partition in one turn
TICKS_MAX, SIGNALS_MAX = 200, 200  # in one turn
ATTEMPTS = 5  # at a turn, when others move rows at the same time
CACHED_MAX = 5_000  # tenants whose states are held decoded
REFUSED_TICK_S = 3600  # until a tick that failed is tried again

log = structlog.get_logger(__name__)

Spans = Mapping[Place, Sequence[Raw]]


class LogSpans(Protocol):
    """Reads the log where Faust left something out."""

    async def log_ids(self, places: Sequence[Place]) -> dict[Place, str]: ...

    async def ends(self, places: Sequence[Place]) -> dict[Place, int]: ...

    async def read(
        self, topic: str, partition: int, start: int, stop: int, most: int
    ) -> list[Any]: ...


@dataclass(frozen=True)
class VolumeDeps:
    """What volume control needs; `places`: every partition of its topics."""

    store: Store
    spans: LogSpans
    tracer: Tracer
    letters: DeadLetters
    places: Sequence[Place]
    prefix: str = ""


@dataclass
class _Standing:
    """What is believed of the rows; each commit compares it."""

    positions: dict[Place, int]
    known: set[str]
    told: int
    held: OrderedDict[str, Held] = field(default_factory=OrderedDict)


@dataclass(frozen=True)
class _Work:
    """One turn's material."""

    spans: Spans = field(default_factory=dict)
    ticked: Sequence[str] = ()
    at: datetime | None = None
    pending: Sequence[Fact] = ()  # signals whose send was not known when they were read


class Control:
    """One worker's. Calls may overlap; turns do not."""

    def __init__(self, deps: VolumeDeps) -> None:
        self._deps = deps
        self._turns = asyncio.Lock()
        self._standing: _Standing | None = None
        self._ends: dict[Place, int] = {}  # of the log, as it was looked at last
        self._caught_up = False

    async def hear(self, records: Iterable[Any]) -> None:
        """Fold what Faust gave, and what it left out before it. Repeating changes nothing.

        Raises what guard.OUTAGES names, and Unfit.
        """
        given: dict[Place, dict[int, Raw]] = {}
        for record in records:
            one = sifting.raw(record, self._deps.prefix)
            given.setdefault((one.topic, one.partition), {})[one.offset] = one
        targets = {place: max(found) + 1 for place, found in given.items()}
        async with self._turns:
            await self._go_on(given, targets)

    async def catch_up(self) -> None:
        """Fold what the log had at the last call and Faust has not given since: it may stall."""
        async with self._turns:
            await self._open()
            await self._go_on({}, self._ends)
            self._caught_up = True
            self._ends = await self._deps.spans.ends(self._deps.places)

    async def wake(self) -> None:
        """Tell tenants whose time is up; look again for sends of signals.

        Not while much is to be read: that is older than now.
        """
        if not self._caught_up:
            await self.catch_up()
        async with self._turns:
            standing = await self._open()
            if any(end > standing.positions[place] for place, end in self._ends.items()):
                return
            at, tenant_ids = await self._deps.store.due(TICKS_MAX)
            rows = await self._deps.store.due_signals(SIGNALS_MAX)
            if tenant_ids or rows:
                pending = [_signal(row) for row in rows]
                await self._advance(_Work(ticked=tenant_ids, at=at, pending=pending))

    async def lag(self) -> int:
        """How many records are left to read."""
        async with self._turns:
            standing = await self._open()
            ends = await self._deps.spans.ends(self._deps.places)
        return sum(max(0, end - standing.positions[place]) for place, end in ends.items())

    # ---- where it stands

    async def _open(self) -> _Standing:
        if self._standing is None:
            deps = self._deps
            positions = await deps.store.open(await deps.spans.log_ids(deps.places))
            known, told = await deps.store.roster(), await deps.store.told()
            self._ends = self._ends or await deps.spans.ends(deps.places)
            _check_ends(positions, self._ends)
            self._standing = _Standing(positions, known, told)
        return self._standing

    async def _go_on(
        self, given: Mapping[Place, Mapping[int, Raw]], targets: Mapping[Place, int]
    ) -> None:
        while spans := await self._next(await self._open(), given, targets):
            await self._advance(_Work(spans))

    async def _next(
        self,
        standing: _Standing,
        given: Mapping[Place, Mapping[int, Raw]],
        targets: Mapping[Place, int],
    ) -> dict[Place, list[Raw]]:
        found = {}
        for place, target in targets.items():
            start = standing.positions[place]
            if start < target:
                run = _run(given.get(place, {}), start)
                found[place] = run or await self._missing(place, start, target)
        return {place: run for place, run in found.items() if run}

    async def _missing(self, place: Place, start: int, target: int) -> list[Raw]:
        log.warning("records_read_directly", topic=place[0], partition=place[1], offset=start)
        records = await self._deps.spans.read(*place, start, target, RUN_MAX)
        return [sifting.raw(record, self._deps.prefix) for record in records]

    # ---- a turn

    async def _advance(self, work: _Work) -> None:
        for _ in range(ATTEMPTS):
            standing = await self._open()
            if any(run[0].offset < standing.positions[place] for place, run in work.spans.items()):
                return  # folded meanwhile: who calls looks anew
            try:
                await self._take(work, standing)
            except Overtaken as overtaken:
                log.info("turn_overtaken", what=str(overtaken))
                self._standing = None
            except BaseException:
                self._standing = None  # whether it was committed is not known
                raise
            else:
                return
        raise ConcurrentAppend(f"volume control's rows were moved {ATTEMPTS} times meanwhile")

    async def _take(self, work: _Work, standing: _Standing) -> None:
        sifted = sifting.sift(work.spans, standing.known)
        looked = await self._look(sifted, work.pending, standing)
        found = [one.fact for one in looked if one.found]
        facts = [*sifted.facts, *found]
        taken = Turn(facts, work.ticked, work.at)
        held = await self._held(sorted(taken.tenants()), standing)
        turned = turn.take(taken, {tenant_id: one.state for tenant_id, one in held.items()})
        await self._bury(work, sifted, turned)
        commit = self._commit(work, standing, held, turned, looked)
        if sifted.unreadable and commit.advanced:
            refused = sorted({*commit.advanced.refused, *sifted.unreadable})
            commit = replace(commit, advanced=replace(commit.advanced, refused=refused))
        await self._deps.store.commit(commit)
        _move(standing, commit)

    async def _look(
        self, sifted: Sifted, pending: Sequence[Fact], standing: _Standing
    ) -> list[Looked]:
        """Signals, new and pending, with where their sends left from."""
        new = {(one.tenant_id, one.event_id): one for one in reversed(sifted.signals)}
        if new:
            for place in await self._deps.store.known_signals(list(new.values())):
                new.pop(place, None)
        by_tenant: dict[str, list[Fact]] = {}
        for fact in (*new.values(), *pending):
            by_tenant.setdefault(fact.tenant_id, []).append(fact)
        held = await self._held(sorted(by_tenant), standing)
        looked = []
        for tenant_id, facts in by_tenant.items():
            domains = held[tenant_id].state.intake.domains if tenant_id in held else {}
            looked += await self._trace(tenant_id, facts, domains)
        return looked

    async def _trace(
        self, tenant_id: str, facts: Sequence[Fact], domains: Mapping[str, tuple[str, int]]
    ) -> list[Looked]:
        sends = {_send(fact) for fact in facts}
        known = await self._deps.tracer.left_from(tenant_id, sorted(sends))
        looked = []
        for fact in facts:
            left = known.get(_send(fact))
            if left is None:
                looked.append(Looked(fact, found=False))
                continue
            ip, provider, campaign_id = left
            domain_id = domains.get(campaign_id, ("", 0))[0]
            scopes = Scopes(tenant_id, ip, provider, domain_id, campaign_id)
            looked.append(Looked(replace(fact, scopes=scopes), found=True))
        return looked

    async def _held(self, tenant_ids: Sequence[str], standing: _Standing) -> dict[str, Held]:
        """The tenants' rows, as they are believed to be; of those that have one."""
        missing = [one for one in tenant_ids if one in standing.known and one not in standing.held]
        if missing:
            standing.held.update(await self._deps.store.states(missing))
        found = {one: standing.held[one] for one in tenant_ids if one in standing.held}
        for tenant_id in found:
            standing.held.move_to_end(tenant_id)
        while len(standing.held) > max(CACHED_MAX, len(found)):
            standing.held.popitem(last=False)
        return found

    async def _bury(self, work: _Work, sifted: Sifted, turned: Turned) -> None:
        """Keep what cannot be folded among the dead letters, before the cursor moves past it."""
        raws = {one.place: one for run in work.spans.values() for one in run}
        lost = {place: reason for place, (_, reason) in sifted.unreadable.items()} | turned.refused
        for place, reason in lost.items():
            if place in raws:
                await self._deps.letters.put(raws[place].record, f"volume: {reason}")
            log.error("fact_refused", place=place, reason=reason)

    def _commit(
        self,
        work: _Work,
        standing: _Standing,
        held: Mapping[str, Held],
        turned: Turned,
        looked: Sequence[Looked],
    ) -> Commit:
        moved = {
            place: (standing.positions[place], run[-1].offset + 1)
            for place, run in work.spans.items()
        }
        changed = {
            tenant_id: (held.get(tenant_id), state, _wakes(tenant_id, state, turned, work.at))
            for tenant_id, state in turned.states.items()
        }
        return Commit(
            moved=moved,
            changed=changed,
            decided=turned.decided,
            looked=looked,
            advanced=self._advanced(work, moved, turned) if changed else None,
            tenants=len(standing.known),
            told=standing.told,
        )

    def _advanced(
        self, work: _Work, moved: Mapping[Place, tuple[int, int]], turned: Turned
    ) -> VolumeAdvanced:
        upto = [
            Upto(topic=topic, partition=partition, since=since, offset=offset)
            for (topic, partition), (since, offset) in sorted(moved.items())
        ]
        return VolumeAdvanced(
            tenant_id=PLATFORM,
            worker=self._deps.store.worker,
            at=work.at or _latest(work.spans),
            upto=upto,
            traced=[_traced(fact) for fact in turned.counted if fact.scopes],
            ticked=list(work.ticked),
            refused=sorted(turned.refused),
            governor=VERSION,
        )


def _latest(spans: Spans) -> datetime:
    """When Kafka took the last of these records."""
    most = max((one.at_ms for run in spans.values() for one in run), default=0)
    return datetime.fromtimestamp(most / 1000, UTC)


def _run(given: Mapping[int, Raw], start: int) -> list[Raw]:
    """What was given from `start` on, without a gap."""
    found: list[Raw] = []
    while len(found) < RUN_MAX and (one := given.get(start + len(found))):
        found.append(one)
    return found


def _check_ends(positions: Mapping[Place, int], ends: Mapping[Place, int]) -> None:
    for place, position in positions.items():
        if position > ends[place]:
            raise Unfit(
                f"volume control has folded {place[0]}/{place[1]} up to {position}, but the log"
                f" ends at {ends[place]}: Kafka was restored to an older state"
            )


def _move(standing: _Standing, commit: Commit) -> None:
    """What the commit made of the rows."""
    for place, (_, after) in commit.moved.items():
        standing.positions[place] = after
    if commit.advanced:
        standing.told += 1
    told: dict[str, int] = {}
    for tenant_id, _ in commit.decided:
        told[tenant_id] = told.get(tenant_id, 0) + 1
    for tenant_id, (held, state, _) in commit.changed.items():
        version, before = (held.version, held.told) if held else (0, 0)
        standing.held[tenant_id] = Held(version + 1, before + told.get(tenant_id, 0), state)
        standing.known.add(tenant_id)


def _wakes(tenant_id: str, state: Any, turned: Turned, at: datetime | None) -> datetime | None:
    due = moment(state.due_s())
    if at is not None and tick_place(tenant_id) in turned.refused:
        return at + timedelta(seconds=REFUSED_TICK_S)
    return due


def _send(fact: Fact) -> str:
    event: Any = fact.event
    return str(event.send_id)


def _traced(fact: Fact) -> Traced:
    scopes = fact.scopes
    assert scopes is not None  # noqa: S101 - asked by who calls
    return Traced(
        event_id=fact.event_id,
        partition=fact.partition,
        offset=fact.offset,
        ip=scopes.ip,
        provider=scopes.provider,
        domain_id=scopes.domain_id,
        campaign_id=scopes.campaign_id,
    )


def _signal(row: Mapping[str, Any]) -> Fact:
    """A pending signal as far as it was kept: what it counts as, and for which send."""
    about = {"tenant_id": row["tenant_id"], "send_id": row["send_id"]}
    event: BounceReceived | ComplaintReceived
    if row["kind"] == BounceReceived.event_type.name:
        event = BounceReceived(**about, kind=HARD, reason="", code=0, enhanced="")
    else:
        event = ComplaintReceived(**about, feedback_type="", source="")
    place = TOPICS[1].value, row["part"], row["off"]
    return Fact(row["at_ms"], *place, row["event_id"], row["tenant_id"], event)
