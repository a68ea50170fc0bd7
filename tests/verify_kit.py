"""Records of a small campaign, made by hand, and the proof over them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.campaign import CampaignFinished, CampaignLaunched
from domain.event import Event, Meta, Recorded
from domain.governor.events import QuotaSet
from domain.ids import deriver
from domain.sending import (
    AmbiguityResolved,
    AudiencePlanned,
    BatchPlanned,
    OutcomesRecorded,
    SendsCancelled,
    SliceStarted,
)
from domain.sending_ip import SendingIpCapSet, WarmupPlanChosen
from ops.verify.fold import LogFold
from ops.verify.judge import judge
from ops.verify.report import Report

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = date(2026, 3, 1)
TENANT, CAMPAIGN, IP = "ten_a", "cmp_a", "ip_a"
snd = deriver(b"test", "snd")
SIZE = 4


def launched() -> Event:
    return CampaignLaunched(
        tenant_id=TENANT, campaign_id=CAMPAIGN, content_id="cnt_a", list_ids=[], sender_id="sdr_a",
        domain_id="dom_a", ips=[IP], priority="normal", message_class="bulk", sign="none",
        launched_at=NOON, expires_at=NOON + timedelta(days=3),
    )  # fmt: skip


def planned(
    batch: str = "bat_1", size: int = SIZE, ids: list[str] | None = None, **changes: Any
) -> Event:
    made = BatchPlanned(
        batch_id=batch, tenant_id=TENANT, campaign_id=CAMPAIGN, step=1, content_id="cnt_a",
        provider="gmail", priority="normal", message_class="bulk", due_at=NOON,
        expires_at=NOON + timedelta(days=3), size=size,
        send_ids=ids or [snd(batch, index) for index in range(size)],
        contact_ids=[f"lea_{index}" for index in range(size)],
    )  # fmt: skip
    return replace(made, **changes)


def audience(total: int = SIZE, batches: int = 1) -> Event:
    return AudiencePlanned(
        campaign_id=CAMPAIGN, tenant_id=TENANT, step=1, total=total, batches=batches
    )


def started(
    release: str = "rel_1",
    n: int = 1,
    ranges: list[list[int]] | None = None,
    **changes: Any,
) -> SliceStarted:
    made = SliceStarted(
        release_id=release, batch_id="bat_1", tenant_id=TENANT, campaign_id=CAMPAIGN, n=n, ip=IP,
        provider="gmail", ranges=ranges or [[0, SIZE]], cap_day=DAY, cap_per_day=None,
        deadline_at=NOON + timedelta(minutes=1), owner="o", journal="j",
    )  # fmt: skip
    return replace(made, **changes)


def outcomes(
    results: dict[str, list[list[int]]],
    release: str = "rel_1",
    n: int = 1,
    source: str = "owner",
    batch: str = "bat_1",
) -> Event:
    return OutcomesRecorded(
        release_id=release, batch_id=batch, tenant_id=TENANT, campaign_id=CAMPAIGN, n=n, ip=IP,
        provider="gmail", source=source,
        results=[
            {"outcome": outcome, "reason": "x", "ranges": ranges}
            for outcome, ranges in results.items()
        ],
    )  # fmt: skip


def cancelled(outcome: str, ranges: list[list[int]], n: int = 1) -> Event:
    return SendsCancelled(
        batch_id="bat_1", tenant_id=TENANT, campaign_id=CAMPAIGN, release_id="rel_c", n=n,
        outcome=outcome, reason="x", ranges=ranges,
    )  # fmt: skip


def resolved(outcome: str, ranges: list[list[int]], n: int = 1, evidence: str = "bounce") -> Event:
    return AmbiguityResolved(
        batch_id="bat_1", tenant_id=TENANT, campaign_id=CAMPAIGN, n=n, ip=IP, ranges=ranges,
        outcome=outcome, evidence=evidence,
    )  # fmt: skip


def finished(requested: int = SIZE, **counts: int) -> Event:
    return CampaignFinished(
        tenant_id=TENANT, campaign_id=CAMPAIGN, requested=requested, outcomes=counts
    )


def cap(value: int | None, at: datetime, provider: str = "*") -> tuple[Event, datetime]:
    event = SendingIpCapSet(
        tenant_id=TENANT, ip=IP, provider=provider, cap_per_day=value, reason="x"
    )
    return event, at


def plan(name: str, at: datetime, provider: str = "*") -> tuple[Event, datetime]:
    told: dict[str, Any] = {"provider": provider, "curve": [], "target": 0, "reason": "x"}
    return WarmupPlanChosen(tenant_id=TENANT, ip=IP, plan=name, **told), at


def quota(value: int, at: datetime) -> tuple[Event, datetime]:
    why: dict[str, Any] = {"old": 0, "rule": "x", "counts": {}, "governor": 1, "decided_at": at}
    cell: dict[str, Any] = {
        "tenant_id": TENANT,
        "scope": "cell",
        "scope_id": IP,
        "provider": "gmail",
    }
    return QuotaSet(**cell, new=value, **why), at


Fact = Event | tuple[Event, datetime]


def records(*facts: Fact) -> list[Recorded]:
    pairs = [fact if isinstance(fact, tuple) else (fact, NOON) for fact in facts]
    return [
        Recorded(event=event, meta=Meta(id=f"evt_{number}", time=at, tenant_id=TENANT))
        for number, (event, at) in enumerate(pairs)
    ]


def fold(given_records: list[Recorded]) -> LogFold:
    made = LogFold()
    for record in given_records:
        made.apply(record)
    return made


def proof(*facts: Fact) -> Report:
    return judge(fold(records(*facts)))


def kinds(*facts: Fact) -> set[str]:
    return set(proof(*facts).kinds)
