"""The log against the receiving side's own record, send by send, by Message-ID.

The record has a line a message, written before its 250 (ops/sink/received.py). A Message-ID is
`<send id without prefix@domain>`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from domain.sending import Outcome
from ops.verify import bits
from ops.verify.fold import Batch, Campaign, LogFold
from ops.verify.judge import Wanted
from ops.verify.report import LISTED_MAX, Report, Violation
from ops.verify.sink_record import SinkRecord
from ops.verify.states import STARTED, anywhere, states

DIFFERENCES_MAX = 1000


@dataclass
class SinkReport:
    """How log and record compare, in sends; `received`, `unknown` in messages."""

    received: int = 0
    matched: int = 0  # accepted, and received
    missing: int = 0  # accepted, and not received
    unexpected: int = 0  # received, though the log says a state that excludes it
    duplicated: int = 0  # received more often than attempts could deliver it
    unknown: int = 0  # messages of sends that the log does not know
    ambiguous_delivered: int = 0
    ambiguous_not_delivered: int = 0
    open_delivered: int = 0  # started, its outcome not in the log yet
    differences: list[dict[str, str | int]] = field(default_factory=list)  # the first 1,000
    ambiguous: list[dict[str, str | int]] = field(default_factory=list)  # the first 1,000

    def note(self, what: str, send: _Send, found: Report) -> None:
        """Count a difference and list it, here and among the violations."""
        setattr(self, what, getattr(self, what) + 1)
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append({"kind": what, **send.as_json()})
        found.kinds["sink_differs"] = found.kinds.get("sink_differs", 0) + 1
        if found.kinds["sink_differs"] <= LISTED_MAX:
            about = send.campaign
            ids = (about.campaign_id, about.tenant_id) if about else ("", "")
            detail = f"{what}: {send.received} received, the log says {send.state}"
            found.violations.append(Violation("sink_differs", detail, *ids, send.send_id))


@dataclass(frozen=True, slots=True)
class _Send:
    send_id: str
    state: str
    received: int
    campaign: Campaign | None = None

    def as_json(self) -> dict[str, str | int]:
        about = self.campaign
        return {
            "send_id": self.send_id,
            "campaign_id": about.campaign_id if about else "",
            "tenant_id": about.tenant_id if about else "",
            "state": self.state,
            "received": self.received,
        }


def compare(fold: LogFold, file: Path, report: Report, wanted: Wanted) -> None:
    """Add to the report what log and record say differently, as `report.sink` and violations.

    Raises Missing when the file is not there, Usage when it is no such record.
    """
    record, found = SinkRecord(file), SinkReport()
    found.received = record.received
    for campaign in fold.campaigns.values():
        judged = wanted(campaign)
        for batch in campaign.batches:
            if judged:
                _batch(batch, record, found, report)
            else:
                record.counts(batch.ids.hashes())
    for send_id in record.unasked():
        found.note("unknown", _Send(send_id, "no such send", 1), report)
    report.sink = found


def _batch(batch: Batch, record: SinkRecord, found: SinkReport, report: Report) -> None:
    maybe, counts = _maybe(batch), record.counts(batch.ids.hashes())
    for state, members in states(batch).items():
        surely = int(state == Outcome.ACCEPTED)
        at_most = surely or int(state == STARTED)
        for index in bits.each(members):
            count = counts[index]
            if count == surely == 1:
                found.matched += 1
            elif count or surely or maybe:
                most = at_most + sum(one >> index & 1 for one in maybe)
                send = _Send(batch.ids[index], state, count, batch.campaign)
                _judge(send, most, found, report)


def _judge(send: _Send, most: int, found: SinkReport, report: Report) -> None:
    if send.state == Outcome.AMBIGUOUS:
        _ambiguous(send, found)
    elif send.state == STARTED:
        found.open_delivered += int(0 < send.received <= most)
    elif send.state == Outcome.ACCEPTED:
        found.matched += int(0 < send.received <= most)
    if send.received > most:
        found.note("duplicated" if most else "unexpected", send, report)
    elif send.state == Outcome.ACCEPTED and not send.received:
        found.note("missing", send, report)


def _ambiguous(send: _Send, found: SinkReport) -> None:
    if send.received:
        found.ambiguous_delivered += 1
    else:
        found.ambiguous_not_delivered += 1
    if len(found.ambiguous) < DIFFERENCES_MAX:
        found.ambiguous.append(send.as_json())


def _maybe(batch: Batch) -> list[int]:
    """Per attempt, the sends of which nobody knows whether it delivered them."""
    if not anywhere(batch, Outcome.AMBIGUOUS):
        return []
    return [attempt.unknown for attempt in batch.attempts.values()]
