"""Settles what is ambiguous: by evidence, or, for a transactional send, by trying once more.

Writes AmbiguityResolved, never rows. Evidence is definite: schedule, ledger and `penguin verify`
count it. Bulk mail holds: it stays ambiguous until there is evidence. A transactional send may be
tried once more under the same Message-ID; the log names that policy, for it may arrive twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import psycopg
import structlog

from adapters.kafka_log import Draft, now_meta
from adapters.postgres import named_sql, tenant_tx
from domain import masks
from domain.event import Topic
from domain.ids import deriver
from domain.ports import EventLog
from domain.sending import RESEND_ONCE, AmbiguityResolved, Outcome
from projections.fold import Connection

READS: tuple[Topic, ...] = ()
WRITES = (Topic.ATTEMPTS,)
BACKED_BY = "pipeline.attempt_set: what is ambiguous there is looked at again at the next turn"

SQL = named_sql(Path(__file__).with_suffix(".sql"))

#: So long after a slice's deadline an ambiguous send may be tried again; finishing waits longer
#: (streams/schedule/queries.sql), so that no campaign is finished between decision and fold.
RESEND_WITHIN_S = 50.0
ATTEMPTS_MAX = 200  # doubtful ones that one turn of hearing looks at
ACTOR = "sweeper"

log = structlog.get_logger(__name__)

Evidence = Mapping[int, str]  # index → what proves that it arrived


@dataclass(frozen=True)
class Doubt:
    """Sends of one attempt, from one IP, of which nobody knows whether they were accepted."""

    batch_id: str
    n: int
    tenant_id: str
    campaign_id: str
    message_class: str
    ip: str
    mask: int


_COLUMNS = [field.name for field in fields(Doubt)]
_IP = _COLUMNS.index("ip")


@dataclass
class Walk:
    """Where a walk through all doubts stands. It begins anew once it is through."""

    batch_id: str = ""
    n: int = 0


async def doubts(conn: Connection, walk: Walk | None = None) -> list[Doubt]:
    """What is ambiguous now: everything, or the next part of a walk, which goes on there."""
    most = ATTEMPTS_MAX if walk else None
    given = {**vars(walk or Walk()), "attempts_max": most}
    rows = await (await conn.execute(SQL["doubts"], given)).fetchall()
    if walk:
        met = {(batch_id, n) for batch_id, n, *_ in rows}
        walk.batch_id, walk.n = rows[-1][:2] if len(met) == ATTEMPTS_MAX else ("", 0)
    return _doubts([row for row in rows if row[_IP] is not None])


def _doubts(rows: Sequence[tuple[Any, ...]]) -> list[Doubt]:
    named = (dict(zip(_COLUMNS, row, strict=True)) for row in rows)
    return [Doubt(**row | {"mask": masks.read(row["mask"])}) for row in named]


def settled(
    doubt: Doubt, mask: int, outcome: Outcome, evidence: str, *, id_key: str, actor: str = ACTOR
) -> Draft:
    """The record that settles some of a doubt. Made again, it has the same id."""
    event = AmbiguityResolved(
        batch_id=doubt.batch_id,
        tenant_id=doubt.tenant_id,
        campaign_id=doubt.campaign_id,
        n=doubt.n,
        ip=doubt.ip,
        ranges=masks.ranges(mask),
        outcome=outcome.value,
        evidence=evidence,
    )
    told_id = deriver(id_key.encode(), "evt")(
        "resolved", doubt.batch_id, doubt.n, masks.text(mask), outcome.value, evidence
    )
    meta = now_meta(doubt.tenant_id, id=told_id, actor=actor)
    return Draft(Topic.ATTEMPTS, event, meta, subject=doubt.batch_id)


async def resend(conn: Connection, event_log: EventLog, *, id_key: str) -> int:
    """Let ambiguous transactional sends be tried once more; how many. Safe to repeat."""
    cursor = await conn.execute(SQL["resendable"], {"resend_within_s": RESEND_WITHIN_S})
    drafts = [
        settled(doubt, doubt.mask, Outcome.DEFERRED, RESEND_ONCE, id_key=id_key)
        for doubt in _doubts(await cursor.fetchall())
    ]
    return await _tell(event_log, drafts)


async def hear(
    conn: Connection,
    api_conn: psycopg.AsyncConnection[Any],
    event_log: EventLog,
    walk: Walk,
    *,
    id_key: str,
) -> int:
    """Settle what opens, clicks, bounces, complaints and replies prove to have arrived; how many.

    Looks at the next part of `walk`: what was doubtful for years costs no more than what is new.
    `api_conn`: role pm_api, reads read models of one tenant at a time. Safe to repeat.
    """
    drafts: list[Draft] = []
    for tenant_id, own in by_tenant(await doubts(conn, walk)).items():
        async with tenant_tx(api_conn, tenant_id):
            heard = await _heard(api_conn, own)
        for doubt in own:
            drafts += accepted(doubt, heard.get(doubt.batch_id, {}), id_key=id_key)
    return await _tell(event_log, drafts)


def accepted(
    doubt: Doubt, evidence: Evidence, *, id_key: str, actor: str = ACTOR
) -> Iterable[Draft]:
    """The records that settle those of a doubt that evidence is about, one per kind of it."""
    by_kind: dict[str, int] = {}
    for index, kind in evidence.items():
        if doubt.mask >> index & 1:
            by_kind[kind] = by_kind.get(kind, 0) | 1 << index
    for kind, mask in sorted(by_kind.items()):
        yield settled(doubt, mask, Outcome.ACCEPTED, kind, id_key=id_key, actor=actor)


def by_tenant(found: Iterable[Doubt]) -> dict[str, list[Doubt]]:
    """The doubts of each tenant."""
    tenants: dict[str, list[Doubt]] = {}
    for doubt in found:
        tenants.setdefault(doubt.tenant_id, []).append(doubt)
    return tenants


async def _heard(
    api_conn: psycopg.AsyncConnection[Any], own: Sequence[Doubt]
) -> dict[str, dict[int, str]]:
    cursor = await api_conn.execute(SQL["signals"], {"batch_ids": [one.batch_id for one in own]})
    heard: dict[str, dict[int, str]] = {}
    for batch_id, index, kind in await cursor.fetchall():
        heard.setdefault(batch_id, {})[index] = f"signal:{kind}"
    return heard


async def _tell(event_log: EventLog, drafts: Sequence[Draft]) -> int:
    if not drafts:
        return 0
    await event_log.append(list(drafts))
    events: list[Any] = [draft.event for draft in drafts]
    sends = sum(masks.of(event.ranges).bit_count() for event in events)
    log.info("ambiguity_settled", records=len(drafts), sends=sends)
    return sends
