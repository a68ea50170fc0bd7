"""Histories of a few campaigns, told as the product tells them, to fold in any order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from adapters.kafka_log import Draft
from domain import indexes
from domain.campaign import CampaignDrafted, CampaignFinished, CampaignLaunched
from domain.event import Event, Meta, Recorded, Topic
from domain.plan_limit import PlanLimitSet
from domain.sending import (
    AmbiguityResolved,
    AudiencePlanned,
    BatchPlanned,
    OutcomesRecorded,
    Result,
    SendsCancelled,
    SliceStarted,
)
from domain.sending_ip import SendingIpAdded, SendingIpCapSet
from domain.signals import (
    BounceReceived,
    ClickObserved,
    ComplaintReceived,
    OpenObserved,
    ReplyReceived,
    UnsubscribeRequested,
)
from domain.usage import QuotaCrossed
from projections import models
from tests.holdings_kit import holdings_of
from tests.volume_told_kit import listings_of, volume_of

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class History:
    """Records by (topic, partition), made by one writer that follows the send protocol."""

    random: random.Random
    name: str = ""
    partitions: dict[tuple[str, int], list[Recorded]] = field(default_factory=dict)
    pos: int = 0
    told: int = 0

    def tell(self, topic: Topic, part: int, tenant: str, event: Event) -> None:
        """Append to a partition; times rise, ids are given once."""
        self.told += 1
        records = self.partitions.setdefault((topic.value, part), [])
        self.pos += topic is Topic.DECISIONS
        records.append(
            Recorded(
                event=event,
                meta=Meta(
                    id=f"evt_{self.name}_{self.told}",
                    time=BEGIN + timedelta(seconds=self.told),
                    tenant_id=tenant,
                ),
                topic=topic.value,
                partition=part,
                offset=len(records) + 1,
                pos=self.pos if topic is Topic.DECISIONS else None,
            )
        )

    def repeat(self, share: float) -> None:
        """Some records stand in the log twice, as after an answer that never came."""
        for records in self.partitions.values():
            twice = [record for record in records if self.random.random() < share]
            for record in twice:
                at = self.random.randint(records.index(record) + 1, len(records))
                records.insert(at, record)
            records[:] = [
                replace(record, offset=offset) for offset, record in enumerate(records, start=1)
            ]

    def interleaved(self, seed: int) -> Iterator[list[Recorded]]:
        """The records in polls of random sizes, partitions taking turns at random."""
        chance = random.Random(seed)
        left = {place: list(records) for place, records in self.partitions.items()}
        while any(left.values()):
            poll = []
            for _ in range(chance.randint(1, 8)):
                open_now = [place for place, records in left.items() if records]
                if open_now:
                    poll.append(left[chance.choice(open_now)].pop(0))
            yield poll

    def drafts(self) -> list[Draft]:
        """As what a writer appends to Kafka."""
        return [
            Draft(record.topic, record.event, record.meta, _subject(record.event), record.pos)
            for records in self.partitions.values()
            for record in records
        ]


def _subject(event: Any) -> str:
    return str(getattr(event, "batch_id", "") or getattr(event, "campaign_id", ""))


def tell_campaign(history: History, tenant: str, campaign: str, sizes: Sequence[int]) -> None:
    """A campaign from draft to finished: batches, attempts on two IPs, retries, odd endings."""
    ips = [f"ip_{tenant}_a", f"ip_{tenant}_b"]
    common: dict[str, Any] = {"tenant_id": tenant, "campaign_id": campaign}
    shape: dict[str, Any] = {
        "content_id": "cnt_1", "list_ids": ["lst_1"], "sender_id": "sdr_1", "domain_id": "dom_1",
        "ips": ips, "priority": "normal", "message_class": "bulk", "sign": "none",
    }  # fmt: skip
    decide = [
        CampaignDrafted(**common, **shape, template_id="tpl_1", expire_after_s=3600),
        CampaignLaunched(
            **common, **shape, launched_at=BEGIN, expires_at=BEGIN + timedelta(days=1)
        ),
        *(
            SendingIpAdded(
                tenant_id=tenant, ip=ip, address="", route="mx", relay_host="", relay_port=0
            )
            for ip in ips
        ),
        SendingIpCapSet(tenant_id=tenant, ip=ips[0], provider="*", cap_per_day=9, reason="warm-up"),
    ]
    for event in decide:
        history.tell(Topic.DECISIONS, 0, tenant, event)
    for number, size in enumerate(sizes):
        _tell_batch(history, common, f"bat_{campaign}_{number}", size, ips)
    limit = PlanLimitSet(tenant_id=tenant, sends_per_month=len(campaign), reason="plan")
    history.tell(Topic.DECISIONS, 0, tenant, limit)
    crossed = QuotaCrossed(
        tenant_id=tenant, period=BEGIN.date(), percent=80, used=9, limit=len(campaign)
    )
    history.tell(Topic.DECISIONS, 0, tenant, crossed)
    total = AudiencePlanned(**common, step=1, total=sum(sizes), batches=len(sizes))
    history.tell(Topic.REQUESTS, 1, tenant, total)
    done = CampaignFinished(**common, requested=sum(sizes), outcomes={})
    history.tell(Topic.DECISIONS, 0, tenant, done)


def _tell_batch(
    history: History, common: dict[str, Any], batch: str, size: int, ips: Sequence[str]
) -> None:
    planned = BatchPlanned(
        **common, batch_id=batch, step=1, content_id="cnt_1", provider="gmail", priority="normal",
        message_class="bulk", due_at=BEGIN, expires_at=BEGIN + timedelta(days=1), size=size,
        send_ids=[f"snd_{batch}_{idx}" for idx in range(size)],
        contact_ids=[f"lea_{batch}_{idx}" for idx in range(size)],
    )  # fmt: skip
    history.tell(Topic.REQUESTS, 0, common["tenant_id"], planned)
    _tell_signals(history, common["tenant_id"], batch, size)
    waiting, n = set(range(size)), 1
    while waiting:
        again = set()
        while waiting:
            some = set(list(waiting)[: history.random.randint(1, size)])
            waiting -= some
            again |= _tell_slice(history, common, batch, n, some, ips)
        waiting, n = (again if n < 3 else set()), n + 1
        if again and n > 3:
            _tell_ending(history, common, batch, n, again)


def _tell_slice(
    history: History, common: dict[str, Any], batch: str, n: int, some: set[int], ips: Sequence[str]
) -> set[int]:
    """One slice, started and concluded; the indexes that are to be tried again."""
    number = history.random.randrange(len(ips))
    names: dict[str, Any] = {**common, "batch_id": batch, "n": n, "ip": ips[number]}
    slice_: dict[str, Any] = {
        **names,
        "release_id": f"rel_{history.name}_{history.told}",
        "provider": "gmail",
    }
    kinds: dict[str, set[int]] = {}
    for index in some:
        kind = history.random.choice(
            ["accepted", "accepted", "deferred", "rejected", "ambiguous", "suppressed"]
        )
        kinds.setdefault(kind, set()).add(index)
    tenant, attempted = common["tenant_id"], some - kinds.get("suppressed", set())
    if attempted:
        started = SliceStarted(
            **slice_, ranges=indexes.from_indexes(attempted), cap_day=BEGIN.date(),
            cap_per_day=None, deadline_at=BEGIN, owner="o", journal="j",
        )  # fmt: skip
        history.tell(Topic.ATTEMPTS, number, tenant, started)
    results = [
        Result(outcome=kind, reason=f"r_{kind}", ranges=indexes.from_indexes(found), code=250)
        for kind, found in kinds.items()
    ]
    for result in results:
        event = OutcomesRecorded(**slice_, source="owner", results=[result])
        history.tell(Topic.ATTEMPTS, number, tenant, event)
    late = OutcomesRecorded(  # the sweeper comes too late for most of them
        **slice_, source="sweeper",
        results=[Result(outcome="ambiguous", reason="late", ranges=indexes.from_indexes(some))],
    )  # fmt: skip
    history.tell(Topic.ATTEMPTS, number, tenant, late)
    resolved = set(list(kinds.get("ambiguous", ()))[::2])
    if resolved:
        settled = AmbiguityResolved(
            **names, ranges=indexes.from_indexes(resolved), outcome="accepted", evidence="dsn"
        )
        history.tell(Topic.ATTEMPTS, number, tenant, settled)
    return kinds.get("deferred", set())


def _tell_signals(history: History, tenant: str, batch: str, size: int) -> None:
    """Some sends are opened, clicked, answered, complained about, or come back; one is unknown."""
    for send_id in (*(f"snd_{batch}_{idx}" for idx in range(size)), f"snd_{batch}_unknown"):
        about = {"tenant_id": tenant, "send_id": send_id}
        told: list[Event] = [
            OpenObserved(**about, kind="machine", rule="proxy"),
            *[OpenObserved(**about, kind="human", rule="") for _ in range(2)],
            ClickObserved(**about, kind="human", rule="", link=0),
            ReplyReceived(**about, kind="human"),
            UnsubscribeRequested(**about, via="one_click"),
            ComplaintReceived(**about, feedback_type="abuse", source="gmail"),
            BounceReceived(**about, kind="hard", reason="INACTIVE", code=550, enhanced="5.2.1"),
        ]
        for event in history.random.sample(told, history.random.randint(0, len(told))):
            history.tell(Topic.SIGNALS, len(send_id) % 2, tenant, event)


def _tell_ending(
    history: History, common: dict[str, Any], batch: str, n: int, some: set[int]
) -> None:
    event = SendsCancelled(
        **common, batch_id=batch, release_id=f"rel_{history.name}_{history.told}", n=n,
        outcome="expired", reason="expired", ranges=indexes.from_indexes(some),
    )  # fmt: skip
    history.tell(Topic.REQUESTS, 0, common["tenant_id"], event)


@pytest.fixture
def tell() -> Callable[..., History]:
    """Makes the history of a few small campaigns of two tenants from a seed."""

    def make(seed: int, campaigns: int = 2, sizes: Sequence[int] = (7, 3, 1)) -> History:
        history = History(random.Random(seed), name=str(seed), pos=seed * 1000)
        for number in range(campaigns):
            tenant = f"ten_{number % 2}"
            tell_campaign(history, tenant, f"cmp_{seed}_{number}", sizes)
            for event in holdings_of(history.random, tenant, f"{seed}_{number}"):
                history.tell(Topic.DECISIONS, 0, tenant, event)
            for event in volume_of(history.random, tenant, f"ip_{tenant}_a"):
                history.tell(Topic.DECISIONS, 0, tenant, event)
            for told in listings_of(history.random, tenant, f"ip_{tenant}_a"):
                history.tell(Topic.SIGNALS, 0, tenant, told)
        return history

    return make


@pytest.fixture
def read_models(dsn: str) -> str:
    """A database of the test's own with the first version of every read model; its DSN."""
    models.ensure_schemas(dsn)
    return dsn


@pytest.fixture
def rows_of(read_models: str) -> Callable[[str], dict[str, list[Any]]]:
    """All rows of a read model's tables, as its owner sees them."""

    def rows(name: str, version: int = 1) -> dict[str, list[Any]]:
        with psycopg.connect(read_models) as conn:
            return {
                table: conn.execute(
                    psycopg.sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(
                        psycopg.sql.Identifier("rm", table)
                    )
                ).fetchall()
                for table in models.MODELS[name].tables(version)
            }

    return rows
