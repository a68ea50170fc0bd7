"""Ambiguous sends as an operator sees them: which there are, and settling them by evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters import postgres
from adapters.kafka_log import KafkaLog
from domain.sending import Outcome
from ops.errors import Missing, Usage
from ops.launching.desk import ACTOR
from ops.verify.send_ids import ID_CHARS, PREFIX
from ops.where import Where
from streams import resolving
from streams.resolving import Doubt

LISTED_MAX = 1000
EVIDENCE_MAX = 200
_MESSAGE_ID = re.compile(rf"(?<![a-z2-7])([a-z2-7]{{{ID_CHARS}}})@", re.IGNORECASE)
#: What an operator may say, and the outcome that it is recorded as. Bulk mail is never sent again,
#: so what was not accepted is at its end.
ANSWERS = {"accepted": Outcome.ACCEPTED, "not_accepted": Outcome.REJECTED}


@dataclass(frozen=True)
class Ambiguous:
    """One send of which nobody knows whether it was accepted."""

    send_id: str
    index: int
    doubt: Doubt

    def as_json(self) -> dict[str, Any]:
        about = self.doubt
        return {
            "send_id": self.send_id,
            "campaign_id": about.campaign_id,
            "tenant_id": about.tenant_id,
            "n": about.n,
            "message_class": about.message_class,
            "ip": about.ip,
        }


async def found(where: Where, *, campaign: str = "", tenant: str = "") -> list[Ambiguous]:
    """All ambiguous sends of a campaign, a tenant or everybody, as the schedule knows them."""
    sends: list[Ambiguous] = []
    async with (
        await postgres.connect(where.dsn, "pm_release", connect_timeout=5) as conn,
        await postgres.connect(where.dsn, "pm_api", connect_timeout=5) as api,
    ):
        doubts = [
            doubt
            for doubt in await resolving.doubts(conn)
            if campaign in ("", doubt.campaign_id) and tenant in ("", doubt.tenant_id)
        ]
        for tenant_id, own in resolving.by_tenant(doubts).items():
            async with postgres.tenant_tx(api, tenant_id):
                cursor = await api.execute(
                    resolving.SQL["send_ids"], {"batch_ids": [one.batch_id for one in own]}
                )
                ids = {(batch, index): send_id for batch, index, send_id in await cursor.fetchall()}
            sends += _named(own, ids)
    return sends


def _named(own: Sequence[Doubt], ids: dict[tuple[str, int], str]) -> Iterable[Ambiguous]:
    for doubt in own:
        for index in range(doubt.mask.bit_length()):
            if doubt.mask >> index & 1:
                yield Ambiguous(ids.get((doubt.batch_id, index), ""), index, doubt)


def mentioned(file: Path) -> set[str]:
    """The send ids whose Message-IDs a file mentions, in any form: a sink's record, a relay's log.

    Raises Missing when the file is not there.
    """
    ids: set[str] = set()
    try:
        with file.open(errors="replace") as lines:
            for line in lines:
                ids.update(PREFIX + identity.lower() for identity in _MESSAGE_ID.findall(line))
    except FileNotFoundError as error:
        raise Missing(f"--from {file}: there is no such file") from error
    return ids


async def by_name(
    where: Where, send_ids: Iterable[str], answer: str, evidence: str
) -> dict[str, int]:
    """Settle the sends of these ids: how many became what, how many are left.

    Raises Usage, and Missing for one that is not ambiguous now.
    """
    sends = await found(where)
    named = chosen(sends, send_ids)
    done = await _resolve(where, named, answer, evidence)
    return {"accepted": 0, "not_accepted": 0} | {answer: done, "left": len(sends) - done}


async def by_record(
    where: Where, file: Path, evidence: str, *, campaign: str = "", complete: bool = False
) -> dict[str, int]:
    """Settle as accepted what a record mentions; if it is complete, all else as not accepted."""
    sends, known = await found(where, campaign=campaign), mentioned(file)
    there = [send for send in sends if send.send_id in known]
    absent = [send for send in sends if send.send_id and send.send_id not in known]
    accepted = await _resolve(where, there, "accepted", evidence)
    refused = await _resolve(where, absent, "not_accepted", evidence) if complete else 0
    left = len(sends) - accepted - refused
    return {"accepted": accepted, "not_accepted": refused, "left": left}


async def _resolve(where: Where, sends: Sequence[Ambiguous], answer: str, evidence: str) -> int:
    """Record what was found out about these sends; how many. Repeating it changes nothing."""
    if answer not in ANSWERS:
        raise Usage(f"--as {answer}: it is {' or '.join(ANSWERS)}")
    if not evidence.strip() or len(evidence) > EVIDENCE_MAX or "@" in evidence:
        raise Usage(
            f"--evidence: say how you know, in 1 to {EVIDENCE_MAX} characters and without any"
            " address: it is kept for ever"
        )
    by_doubt: dict[Doubt, int] = {}
    for send in sends:
        by_doubt[send.doubt] = by_doubt.get(send.doubt, 0) | 1 << send.index
    drafts = [
        resolving.settled(
            doubt, mask, ANSWERS[answer], f"operator:{evidence}", id_key=where.id_key, actor=ACTOR
        )
        for doubt, mask in by_doubt.items()
    ]
    if drafts:
        async with KafkaLog(where.bootstrap, where.prefix) as log:
            await log.append(drafts)
    return len(sends)


def chosen(sends: Sequence[Ambiguous], wanted: Iterable[str]) -> list[Ambiguous]:
    """Those that are named. Raises Missing for an id that is not ambiguous now."""
    by_id = {send.send_id: send for send in sends}
    names = list(dict.fromkeys(wanted))
    if unknown := [name for name in names if name not in by_id]:
        raise Missing(f"{unknown[0]} is not ambiguous now: `penguin ambiguous list` has all")
    return [by_id[name] for name in names]
