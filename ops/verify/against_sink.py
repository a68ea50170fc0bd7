"""The log against the receiving side's own record, send by send, by Message-ID.

The record has a line a message, written before its 250 (ops/sink/received.py). A Message-ID is
`<send id without prefix@domain>`. Takes about 150 bytes of memory a received message.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson

from domain.sending import Outcome
from ops.errors import Missing, Usage
from ops.verify import bits
from ops.verify.fold import Batch, Campaign, LogFold
from ops.verify.judge import Wanted
from ops.verify.report import LISTED_MAX, Report, Violation
from ops.verify.send_ids import PREFIX
from ops.verify.states import STARTED, states

#: How many messages a send in this state may have left at the receiver: (at least, at most).
_MAY_HAVE = {
    Outcome.ACCEPTED.value: (1, 1),
    Outcome.AMBIGUOUS.value: (0, 1),
    STARTED: (0, 1),
}


def compare(fold: LogFold, file: Path, report: Report, wanted: Wanted) -> None:
    """Add to the report what log and record say differently.

    Raises Missing when the file is not there, Usage when it is no such record.
    """
    received = _received(file)
    found = _Differences(report)
    for campaign in fold.campaigns.values():
        judged = wanted(campaign)
        for batch in campaign.batches:
            _batch(batch, campaign, received, found if judged else None)
    for send_id, count in received.items():
        if count > 0:
            found.add(send_id, None, f"{count} received, the log knows no such send")


class _Differences:
    def __init__(self, report: Report) -> None:
        self._report = report

    def add(self, send_id: str, campaign: Campaign | None, detail: str) -> None:
        kinds = self._report.kinds
        kinds["sink_differs"] = kinds.get("sink_differs", 0) + 1
        if kinds["sink_differs"] <= LISTED_MAX:
            about = (campaign.campaign_id, campaign.tenant_id) if campaign else ("", "")
            self._report.violations.append(Violation("sink_differs", detail, *about, send_id))


def _batch(
    batch: Batch, campaign: Campaign, received: Counter[str], found: _Differences | None
) -> None:
    """Judge a batch's sends and take them out of what was received."""
    ids = list(batch.ids)
    for state, members in states(batch).items():
        least, most = _MAY_HAVE.get(state, (0, 0))
        for index in bits.each(members):
            count = received.pop(ids[index], 0)
            if found and not least <= count <= most:
                found.add(ids[index], campaign, f"{count} received, the log says {state}")


def _received(file: Path) -> Counter[str]:
    """Messages by send id, acknowledged or not: each line is one that the receiver took."""
    try:
        with file.open("rb") as lines:
            return Counter(_send_id(line) for line in lines)
    except FileNotFoundError as error:
        raise Missing(f"--against-sink {file}: there is no such file") from error
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Usage(f"--against-sink {file}: no record of received mail ({error})") from error


def _send_id(line: bytes) -> str:
    identity: str = orjson.loads(line)["message_id"]
    return PREFIX + identity.partition("@")[0].lower()
