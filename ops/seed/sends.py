"""The records that a sent campaign leaves in the log, made up: batches, attempts, outcomes.

Ids of batches, sends and releases are derived as planner and releaser derive them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.kafka_log import Draft
from domain.event import Event, Meta, Topic
from domain.sending import (
    BATCH_SIZE_MAX,
    AudiencePlanned,
    BatchPlanned,
    OutcomesRecorded,
    SliceStarted,
)
from ops.seed.world import EXPIRE_AFTER_S, Mailing, World

STEP = 1
#: Of a thousand sends; who is deferred at first is accepted half an hour later, the rest at once.
RARE = {"rejected": 25, "suppressed": 8, "ambiguous": 2, "deferred": 30}
RETRY_AFTER = timedelta(minutes=30)
TAKES = timedelta(seconds=2)


@dataclass(frozen=True)
class Batch:
    """Up to 500 sends to one provider; `first` is the number of its first send in the campaign."""

    batch_id: str
    provider: str
    contacts: list[str]
    first: int

    @property
    def size(self) -> int:
        return len(self.contacts)

    @property
    def cuts(self) -> dict[str, tuple[int, int]]:
        """Outcome of the first attempt → its range of indexes, in this order, without gaps.

        Counted along the campaign, so that small batches get their part of rare outcomes too.
        """
        found, at, upto = {}, 0, 0
        for outcome, share in RARE.items():
            upto += share
            end = max(at, _share(self.first + self.size, upto) - _share(self.first, upto))
            found[outcome] = (at, end)
            at = end
        return found | {"accepted": (at, self.size)}


def _share(sends: int, per_mille: int) -> int:
    return sends * per_mille // 1000


def batches(world: World, mailing: Mailing) -> Iterator[Batch]:
    """The campaign's batches: its first `sends` leads, provider by provider."""
    left, first = mailing.sends, 0
    for provider, contacts in sorted(world.contacts.items()):
        own = contacts[:left]
        left -= len(own)
        for number, at in enumerate(range(0, len(own), BATCH_SIZE_MAX)):
            chunk = own[at : at + BATCH_SIZE_MAX]
            batch_id = world.derive("bat", mailing.campaign_id, STEP, provider, number)
            yield Batch(batch_id, provider, chunk, first)
            first += len(chunk)


def outcomes(world: World, mailing: Mailing) -> dict[str, int]:
    """How the campaign's sends ended; their sum is its size."""
    found: dict[str, int] = {}
    for batch in batches(world, mailing):
        for outcome, (start, end) in batch.cuts.items():
            ended = "accepted" if outcome == "deferred" else outcome
            found[ended] = found.get(ended, 0) + end - start
    return {outcome: count for outcome, count in found.items() if count}


def requested(world: World, mailing: Mailing) -> Iterator[Draft]:
    """What the planner would have written."""
    count = 0
    for batch in batches(world, mailing):
        count += 1
        yield _draft(world, Topic.REQUESTS, _planned(world, mailing, batch), mailing.at, batch)
    planned = AudiencePlanned(
        campaign_id=mailing.campaign_id,
        tenant_id=world.tenant_id,
        step=STEP,
        total=mailing.sends,
        batches=count,
    )
    meta = Meta(
        id=world.id("evt", "audience", mailing.campaign_id),
        time=mailing.at,
        tenant_id=world.tenant_id,
    )
    yield Draft(Topic.REQUESTS, planned, meta, subject=mailing.campaign_id)


def _planned(world: World, mailing: Mailing, batch: Batch) -> BatchPlanned:
    return BatchPlanned(
        batch_id=batch.batch_id,
        tenant_id=world.tenant_id,
        campaign_id=mailing.campaign_id,
        step=STEP,
        content_id=world.content.content_id,
        provider=batch.provider,
        priority="normal",
        message_class="bulk",
        due_at=mailing.at,
        expires_at=mailing.at + timedelta(seconds=EXPIRE_AFTER_S),
        size=batch.size,
        send_ids=[
            world.derive("snd", world.tenant_id, mailing.campaign_id, STEP, contact)
            for contact in batch.contacts
        ],
        contact_ids=batch.contacts,
    )


def attempted(world: World, mailing: Mailing) -> Iterator[Draft]:
    """What the dispatcher would have written: of each batch one attempt, and of some a second."""
    for batch in batches(world, mailing):
        cuts = batch.cuts
        yield from _attempt(world, mailing, batch, 1, cuts, mailing.at)
        start, end = cuts["deferred"]
        if start < end:
            again = {"accepted": (start, end)}
            yield from _attempt(world, mailing, batch, 2, again, mailing.at + RETRY_AFTER)


def _attempt(
    world: World,
    mailing: Mailing,
    batch: Batch,
    n: int,
    cuts: dict[str, tuple[int, int]],
    at: datetime,
) -> Iterator[Draft]:
    told = {name: cut for name, cut in cuts.items() if cut[0] < cut[1]}
    #: who is suppressed at the claim is never started
    ranges = [list(cut) for name, cut in told.items() if name != "suppressed"]
    shared: dict[str, Any] = {
        "release_id": world.derive("rel", batch.batch_id, n, 1),
        "batch_id": batch.batch_id,
        "tenant_id": world.tenant_id,
        "campaign_id": mailing.campaign_id,
        "n": n,
        "ip": world.ip,
        "provider": batch.provider,
    }
    started = SliceStarted(
        **shared,
        ranges=ranges,
        cap_day=at.date(),
        cap_per_day=None,
        deadline_at=at + timedelta(minutes=1),
        owner="seed",
        journal="seed/seed/seed",
    )
    ended = OutcomesRecorded(
        **shared, source="owner", results=[_result(name, cut) for name, cut in told.items()]
    )
    yield _draft(world, Topic.ATTEMPTS, started, at, batch, n)
    yield _draft(world, Topic.ATTEMPTS, ended, at + TAKES, batch, n)


#: Outcome → what the receiving side said.
SAID: dict[str, dict[str, Any]] = {
    "accepted": {"reason": "ACCEPTED", "phase": "dot", "code": 250, "enhanced": "2.0.0"},
    "rejected": {"reason": "INVALID_RECIPIENT", "phase": "rcpt", "code": 550, "enhanced": "5.1.1"},
    "deferred": {"reason": "GREYLIST", "phase": "rcpt", "code": 451, "enhanced": "4.7.1"},
    "ambiguous": {"reason": "AMBIGUOUS", "phase": "dot", "code": 0},
    "suppressed": {"reason": "SUPPRESSED"},
}


def _result(outcome: str, cut: tuple[int, int]) -> Any:
    return {"outcome": outcome, "ranges": [list(cut)], **SAID[outcome]}


def _draft(
    world: World, topic: Topic, event: Event, at: datetime, batch: Batch, n: int = 0
) -> Draft:
    name = type(event).event_type.name
    event_id = world.id("evt", name, batch.batch_id, n)
    meta = Meta(id=event_id, time=at, tenant_id=world.tenant_id, actor="seed")
    return Draft(topic, event, meta, subject=batch.batch_id)
