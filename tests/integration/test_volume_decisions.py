"""What volume control decides becomes rows that release and claim check, whatever is read again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters import postgres
from domain.event import Event
from domain.governor.events import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    PhaseChanged,
    QuotaSet,
    RateChanged,
)
from domain.mailbox import (
    MailboxCreated,
    MailboxLimitSet,
    MailboxPaused,
    MailboxRemoved,
    MailboxResumed,
)
from domain.sending_domain import DomainIpAssigned, DomainIpUnassigned, DomainRemoved
from domain.sending_ip import WarmupPlanChosen
from projections.fold import Connection
from tests.pipeline_world import Tenant, launched
from tests.schedule_kit import apply, recorded, rows
from tests.volume_told_kit import score_of

pytestmark = pytest.mark.stack

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CELL: dict[str, Any] = {
    "tenant_id": "ten_a",
    "scope": "cell",
    "scope_id": "ip_a",
    "provider": "gmail",
}
GATE = CELL | {"scope": "campaign", "scope_id": "cmp_a", "provider": ""}
WHY: dict[str, Any] = {"rule": "test", "counts": {}, "governor": 1}
VOLUME_ROWS = """
SELECT 'quota', scope, scope_id, provider, quota::text, rule FROM pipeline.volume_quota
UNION ALL SELECT 'rate', ip, provider, per_h::text, connections::text, per_connection::text
  FROM pipeline.volume_rate
UNION ALL SELECT 'breaker', scope, scope_id, provider, status, concat_ws(' ', probes, until, since)
  FROM pipeline.volume_breaker
UNION ALL SELECT 'phase', ip, provider, phase, '', '' FROM pipeline.volume_phase
UNION ALL SELECT 'score', scope, scope_id, provider, coalesce(score::text, 'unknown'), ''
  FROM pipeline.volume_score
UNION ALL SELECT 'plan', ip, provider, plan, curve::text, target::text FROM pipeline.warmup
UNION ALL SELECT 'mailbox', mailbox_id, daily_limit::text, may_send::text, '', ''
  FROM pipeline.mailbox
UNION ALL SELECT 'domain', domain_id, ip, '', '', '' FROM pipeline.domain_ip
ORDER BY 1, 2, 3, 4
"""


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    """As the schedule's reader."""
    async with await postgres.connect(dsn, "pm_projector") as found:
        yield found


def at(minutes: int) -> dict[str, Any]:
    return WHY | {"decided_at": NOON + timedelta(minutes=minutes)}


def quota(new: int, minutes: int, **scope: Any) -> QuotaSet:
    return QuotaSet(**(CELL | scope), **at(minutes), old=0, new=new)


def pace(per_h: int, minutes: int) -> RateChanged:
    rate: dict[str, Any] = {
        "old_per_h": 1,
        "new_per_h": per_h,
        "connections": 2,
        "per_connection": 20,
    }
    return RateChanged(**CELL, **at(minutes), **rate)


def opened(minutes: int, until: datetime | None, scope: dict[str, Any]) -> BreakerOpened:
    return BreakerOpened(**scope, **at(minutes), until=until, level=0)


def plan(name: str, provider: str = "*") -> WarmupPlanChosen:
    told: dict[str, Any] = {"curve": [50, 100], "target": 100, "reason": ""}
    return WarmupPlanChosen(tenant_id="ten_a", ip="ip_a", provider=provider, plan=name, **told)


HISTORY: list[Event] = [
    plan("custom"),
    plan("none", "icloud"),
    quota(300, 0),
    quota(600, 10),
    quota(9, 10, scope="domain", scope_id="dom_a"),
    pace(40, 0),
    pace(80, 30),
    opened(0, NOON + timedelta(hours=2), CELL),
    BreakerHalfOpened(**CELL, **at(120), probes=1),
    BreakerHalfOpened(**CELL, **at(125), probes=5),
    opened(1, None, GATE),
    PhaseChanged(**CELL, **at(0), old="cold", new="warming"),
    PhaseChanged(**CELL, **at(3), old="warming", new="open"),
    PhaseChanged(**(CELL | {"scope": "domain"}), **at(3), old="cold", new="warming"),
    score_of("ten_a", "ip_a", 80, scored_at=NOON),
    score_of("ten_a", "ip_a", 44, scored_at=NOON + timedelta(minutes=1)),
    score_of("ten_a", "ip_a", None, scope="ip", provider=""),
]


async def test_each_decision_becomes_its_row_and_the_latest_of_a_scope_counts(
    dsn: str, conn: Connection
) -> None:
    await apply(conn, [recorded(event) for event in HISTORY])

    since = "2026-03-02 14:05:00+00"
    assert rows(dsn, VOLUME_ROWS) == [
        ("breaker", "campaign", "cmp_a", "", "blocked", "0 2026-03-02 12:01:00+00"),
        ("breaker", "cell", "ip_a", "gmail", "half", f"5 {since}"),
        ("phase", "ip_a", "gmail", "open", "", ""),
        ("plan", "ip_a", "*", "custom", "{50,100}", "100"),
        ("plan", "ip_a", "icloud", "none", "{50,100}", "100"),
        ("quota", "cell", "ip_a", "gmail", "600", "test"),
        ("quota", "domain", "dom_a", "gmail", "9", "test"),
        ("rate", "ip_a", "gmail", "80", "2", "20"),
        ("score", "cell", "ip_a", "gmail", "44", ""),
        ("score", "ip", "ip_a", "", "unknown", ""),
    ]


async def test_i9_what_is_read_again_from_the_beginning_comes_to_the_same_rows(
    dsn: str, conn: Connection
) -> None:
    records = [recorded(event) for event in HISTORY]
    await apply(conn, records)
    before = rows(dsn, VOLUME_ROWS)

    await apply(conn, records)
    await apply(conn, records[5:])

    assert rows(dsn, VOLUME_ROWS) == before


async def test_a_breaker_that_closes_stays_closed_for_what_was_decided_before(
    dsn: str, conn: Connection
) -> None:
    closed = BreakerClosed(**CELL, **at(60))
    await apply(conn, [recorded(closed)])

    await apply(conn, [recorded(opened(0, NOON, CELL))])

    assert rows(dsn, "SELECT status, probes FROM pipeline.volume_breaker") == [("closed", 0)]


async def test_mailboxes_and_the_ips_of_domains_are_folded(dsn: str, conn: Connection) -> None:
    box: dict[str, Any] = {"tenant_id": "ten_a", "mailbox_id": "mbx_a"}
    made: dict[str, Any] = {"domain_id": "dom_a", "warmup_wanted": False}
    domain = {"tenant_id": "ten_a", "domain_id": "dom_a"}
    steps: list[Event] = [
        MailboxCreated(**box, **made, daily_limit=50),
        MailboxLimitSet(**box, daily_limit=70),
        MailboxPaused(**box, reason=""),
        DomainIpAssigned(**domain, ip="ip_a"),
        DomainIpAssigned(**domain, ip="ip_b"),
        DomainIpUnassigned(**domain, ip="ip_b"),
    ]
    await apply(conn, [recorded(step) for step in steps])
    assert rows(dsn, VOLUME_ROWS) == [
        ("domain", "dom_a", "ip_a", "", "", ""),
        ("mailbox", "mbx_a", "70", "false", "", ""),
    ]

    await apply(conn, [recorded(MailboxResumed(**box))])
    assert rows(dsn, "SELECT may_send FROM pipeline.mailbox") == [(True,)]

    gone: list[Event] = [MailboxRemoved(**box, reason=""), DomainRemoved(**domain, reason="")]
    await apply(conn, [recorded(step) for step in gone])
    assert rows(dsn, VOLUME_ROWS) == []


async def test_a_launch_tells_its_daily_limit_and_its_mailbox(dsn: str, conn: Connection) -> None:
    launch = launched(Tenant("ten_a", "lst_a", "ip_a"), daily_limit=40, mailbox_id="mbx_a")

    await apply(conn, [recorded(launch)])

    assert rows(dsn, "SELECT daily_limit, mailbox_id FROM pipeline.campaign") == [(40, "mbx_a")]
