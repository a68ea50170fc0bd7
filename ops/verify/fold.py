"""The log folded into what `judge` needs: per batch and attempt, sets of indexes as integers.

No order between partitions is assumed: every step is a union, so any interleaving gives the same
state. Repeated records (same id) count once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatchmethod

from domain.campaign import CampaignFinished, CampaignLaunched
from domain.event import Event, Recorded, Topic
from domain.governor.events import QuotaSet
from domain.governor.state import Choice
from domain.sending import (
    RESEND_ONCE,
    AmbiguityResolved,
    AudiencePlanned,
    BatchPlanned,
    Outcome,
    OutcomesRecorded,
    SendsCancelled,
    SliceStarted,
)
from domain.sending_ip import SendingIpCapSet, WarmupPlanChosen
from ops.verify import bits
from ops.verify.caps import Caps
from ops.verify.send_ids import PackedIds, SeenIds

#: Effects before their causes: ends are asked in this order.
TOPICS = (Topic.DECISIONS, Topic.ATTEMPTS, Topic.REQUESTS)
DECISIONS = frozenset(
    {"CampaignLaunched", "CampaignFinished", "SendingIpCapSet", "WarmupPlanChosen", "QuotaSet"}
)
NO_IDS = PackedIds(())
OWNER, TRANSACTIONAL = "owner", "transactional"


class Attempt:
    """The facts about attempt n of a batch's sends: sets of indexes."""

    __slots__ = ("accepted_twice", "outcomes", "resent", "resolved", "started", "started_twice")

    def __init__(self) -> None:
        self.started = 0
        self.started_twice = 0  # named by two releases
        self.accepted_twice = 0  # by two releases, or twice by the owner of one
        self.outcomes: dict[str, int] = {}
        self.resolved: dict[str, int] = {}
        self.resent = 0  # let be tried again by policy, though nobody knows

    def all_of(self, outcome: str) -> int:
        """Sends with this outcome, recorded or resolved later."""
        return self.outcomes.get(outcome, 0) | self.resolved.get(outcome, 0)

    @property
    def unknown(self) -> int:
        """Sends that were ambiguous and that no definite outcome or evidence settled since."""
        left = self.all_of(Outcome.AMBIGUOUS)
        for outcome in (Outcome.ACCEPTED, Outcome.REJECTED):
            left &= ~self.all_of(outcome)
        told = self.resolved.get(Outcome.DEFERRED, 0) & ~self.resent
        return left & ~(self.outcomes.get(Outcome.DEFERRED, 0) | told)


class Batch:
    """A batch, planned or only heard of (`ids` empty)."""

    __slots__ = ("attempts", "batch_id", "campaign", "changed", "ids", "step", "transactional")

    def __init__(self, batch_id: str, campaign: Campaign) -> None:
        self.batch_id, self.campaign = batch_id, campaign
        self.step = 0
        self.ids = NO_IDS
        self.transactional = False
        self.changed = False  # planned again with other sends
        self.attempts: dict[int, Attempt] = {}

    def attempt(self, n: int) -> Attempt:
        found = self.attempts.get(n)
        if found is None:
            found = self.attempts[n] = Attempt()
        return found


@dataclass
class Campaign:
    """What the log says about a campaign as a whole."""

    campaign_id: str
    tenant_id: str
    batches: list[Batch] = field(default_factory=list)
    audiences: dict[int, AudiencePlanned] = field(default_factory=dict)  # by step
    finished: CampaignFinished | None = None


class Release:
    """Which sends a release started, and which of them its owner and others saw accepted."""

    __slots__ = ("owner_accepted", "started", "swept_accepted")

    def __init__(self) -> None:
        self.started = self.owner_accepted = self.swept_accepted = 0


@dataclass(frozen=True)
class Unread:
    """A record of requests or attempts that no reader understands."""

    where: str  # topic[partition]@offset
    tenant_id: str
    subject: str
    reason: str


class LogFold:
    """Feed it records; `judge.judge` says what they prove. `hashed`: keeps hashes of send ids."""

    def __init__(self, *, hashed: bool = False) -> None:
        self._hashed = hashed
        self.campaigns: dict[str, Campaign] = {}
        self.batches: dict[str, Batch] = {}
        self.releases: dict[str, Release] = {}
        self.caps = Caps()
        self.seen_ids = SeenIds()
        self.unread: list[Unread] = []
        self.records = 0
        self._applied: set[int] = set()  # hashes of record ids: 64 bits tell billions apart

    def apply(self, record: Recorded) -> None:
        """Fold one record in."""
        self.records += 1
        key = hash(record.meta.id)
        if key in self._applied:
            return
        self._applied.add(key)
        try:
            self._fold(record.event, record)
        except (ValueError, KeyError, TypeError) as error:
            self.unread.append(_unread(record, f"{record.event.event_type.name}: {error!r}"))

    def cannot_read(self, unread: Unread) -> None:
        """Note a record that could not be decoded."""
        self.records += 1
        self.unread.append(unread)

    def campaign(self, campaign_id: str, tenant_id: str) -> Campaign:
        found = self.campaigns.get(campaign_id)
        if found is None:
            found = self.campaigns[campaign_id] = Campaign(campaign_id, tenant_id)
        return found

    def _batch(self, about: _AboutBatch) -> Batch:
        found = self.batches.get(about.batch_id)
        if found is None:
            campaign = self.campaign(about.campaign_id, about.tenant_id)
            found = self.batches[about.batch_id] = Batch(about.batch_id, campaign)
            campaign.batches.append(found)
        return found

    @singledispatchmethod
    def _fold(self, event: Event, record: Recorded) -> None:
        """Every other event says nothing about the proof."""

    @_fold.register
    def _(self, event: CampaignLaunched, _: Recorded) -> None:
        self.campaign(event.campaign_id, event.tenant_id)

    @_fold.register
    def _(self, event: CampaignFinished, _: Recorded) -> None:
        self.campaign(event.campaign_id, event.tenant_id).finished = event

    @_fold.register
    def _(self, event: SendingIpCapSet, record: Recorded) -> None:
        self.caps.set_cap(event.ip, event.provider, event.cap_per_day, record.meta.time)

    @_fold.register
    def _(self, event: WarmupPlanChosen, record: Recorded) -> None:
        choice = Choice(event.plan, tuple(event.curve), event.target)
        self.caps.choose_plan(event.ip, event.provider, choice, record.meta.time)

    @_fold.register
    def _(self, event: QuotaSet, record: Recorded) -> None:
        if event.scope == "cell":
            self.caps.set_quota(event.scope_id, event.provider, event.new, record.meta.time)

    @_fold.register
    def _(self, event: AudiencePlanned, _: Recorded) -> None:
        self.campaign(event.campaign_id, event.tenant_id).audiences[event.step] = event

    @_fold.register
    def _(self, event: BatchPlanned, _: Recorded) -> None:
        batch = self._batch(event)
        ids = PackedIds(event.send_ids, hashed=self._hashed)
        if batch.ids.size:
            batch.changed |= batch.ids != ids
            return
        batch.ids, batch.step = ids, event.step
        batch.transactional = event.message_class == TRANSACTIONAL
        self.seen_ids.add(event.send_ids)

    @_fold.register
    def _(self, event: SliceStarted, _: Recorded) -> None:
        attempt, release = self._batch(event).attempt(event.n), self._release(event.release_id)
        fresh = bits.of_ranges(event.ranges) & ~release.started
        attempt.started_twice |= attempt.started & fresh
        attempt.started |= fresh
        release.started |= fresh
        if fresh:
            self.caps.charge(event, fresh.bit_count())

    @_fold.register
    def _(self, event: OutcomesRecorded, _: Recorded) -> None:
        attempt, release = self._batch(event).attempt(event.n), self._release(event.release_id)
        for result in event.results:
            named = bits.of_ranges(result["ranges"])
            outcome = result["outcome"]
            before = attempt.outcomes.get(outcome, 0)
            if outcome == Outcome.ACCEPTED:
                attempt.accepted_twice |= _again(event.source, release, named, before)
            attempt.outcomes[outcome] = before | named

    @_fold.register
    def _(self, event: AmbiguityResolved, _: Recorded) -> None:
        attempt = self._batch(event).attempt(event.n)
        if event.evidence == RESEND_ONCE:
            attempt.resent |= bits.of_ranges(event.ranges)
        resolved = attempt.resolved
        resolved[event.outcome] = resolved.get(event.outcome, 0) | bits.of_ranges(event.ranges)

    @_fold.register
    def _(self, event: SendsCancelled, _: Recorded) -> None:
        outcomes = self._batch(event).attempt(event.n).outcomes
        outcomes[event.outcome] = outcomes.get(event.outcome, 0) | bits.of_ranges(event.ranges)

    def _release(self, release_id: str) -> Release:
        found = self.releases.get(release_id)
        if found is None:
            found = self.releases[release_id] = Release()
        return found


_AboutBatch = BatchPlanned | SliceStarted | OutcomesRecorded | AmbiguityResolved | SendsCancelled


def _again(source: str, release: Release, named: int, before: int) -> int:
    """Which of the sends named as accepted now were so already, in a way that is a second mail.

    An owner and a sweeper may both conclude the same attempt; two releases, or an owner twice, not.
    """
    twice = named & before & ~(release.owner_accepted | release.swept_accepted)
    if source == OWNER:
        twice |= named & release.owner_accepted
        release.owner_accepted |= named
    else:
        release.swept_accepted |= named
    return twice


def _unread(record: Recorded, reason: str) -> Unread:
    where = f"{record.topic}[{record.partition}]@{record.offset}"
    return Unread(where, record.meta.tenant_id, "", reason)
