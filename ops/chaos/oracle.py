"""The verdict: the sink's own file, written before each 250, joined to the log send by send.

It reads the log by itself, apart from `penguin verify`, whose findings it adds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from adapters import codec
from domain.event import Topic
from domain.indexes import each
from domain.sending import BatchPlanned, Outcome, OutcomesRecorded, SendsCancelled
from ops import log_tail
from ops.chaos.records import poison_file
from ops.verify.report import Report
from ops.verify.run import run as verified
from ops.where import Where

SWEEPER = "sweeper"
LISTED_MAX = 20


@dataclass
class Told:
    """What the log says of one send."""

    outcomes: set[str] = field(default_factory=set)
    by_journal: bool = False  # ambiguous by what a dead owner left behind


@dataclass
class Verdict:
    """Counts of sends; `problems` is empty when everything holds."""

    requested: int = 0
    accepted: int = 0
    rejected: int = 0
    ambiguous: int = 0
    other_ends: int = 0  # cancelled, expired, suppressed
    open: int = 0  # without an end
    received: int = 0  # different messages at the sink
    duplicates: int = 0  # messages there more than once
    lost: int = 0  # without an end, or accepted and not received
    ambiguous_received: int = 0
    journal_ambiguous: int = 0
    journal_received: int = 0
    decisions_repeated: int = 0  # whose `pos` does not rise: readers drop them (I2)
    read_models_equal: int | None = None  # to a rebuild from the log; None: not asked for
    verify_ok: bool = False
    problems: list[str] = field(default_factory=list)


async def judge(
    where: Where, campaigns: Collection[str], run: str, sink: Path, *, stores: bool = False
) -> Verdict:
    """Compare log, sink and, if wanted, Postgres, each to its end. Raises LogUnavailable."""
    sends = await _sends(where, campaigns)
    received = _received(sink, run)
    verdict = compared(sends, received)
    verdict.decisions_repeated = await decisions_repeated(where)
    report = await verified(where, sink=sink, stores=stores)
    _add_proof(verdict, report, where, campaigns)
    return verdict


async def decisions_repeated(where: Where) -> int:
    """Decisions in the log behind one that was decided later, or there twice."""
    count = 0
    highest: dict[int, int] = {}
    async with log_tail.opened(where.bootstrap, where.prefix, (Topic.DECISIONS,)) as tail:
        async for records in tail.until(await tail.ends()):
            for record in records:
                pos = codec.pos_of(record.headers)
                if pos is None:
                    continue
                count += pos <= highest.get(record.partition, 0)
                highest[record.partition] = max(pos, highest.get(record.partition, 0))
    return count


async def _sends(where: Where, campaigns: Collection[str]) -> dict[str, Told]:
    """Every requested send of the campaigns by id, with what the log says of it."""
    batches: dict[str, list[str]] = {}
    ends: list[OutcomesRecorded | SendsCancelled] = []
    async with log_tail.opened(where.bootstrap, where.prefix, (Topic.ATTEMPTS, Topic.REQUESTS)) as (
        tail
    ):
        async for records in tail.until(await tail.ends()):
            for record in records:
                event = _read(record)
                if getattr(event, "campaign_id", None) not in campaigns:
                    continue
                if isinstance(event, BatchPlanned):
                    batches[event.batch_id] = event.send_ids
                elif isinstance(event, OutcomesRecorded | SendsCancelled):
                    ends.append(event)
    found = {send_id: Told() for ids in batches.values() for send_id in ids}
    for event in ends:
        if event.batch_id in batches:
            _note(event, batches[event.batch_id], found)
    return found


def _read(record: Any) -> Any:
    try:
        return codec.recorded(record).event
    except codec.Undecodable:
        return None  # `penguin verify` tells of it


def _note(event: OutcomesRecorded | SendsCancelled, ids: list[str], found: dict[str, Told]) -> None:
    if isinstance(event, SendsCancelled):
        for index in each(event.ranges):
            found[ids[index]].outcomes.add(event.outcome)
        return
    for result in event.results:
        for index in each(result["ranges"]):
            told = found[ids[index]]
            told.outcomes.add(result["outcome"])
            told.by_journal |= event.source == SWEEPER and result["outcome"] == Outcome.AMBIGUOUS


def _received(sink: Path, run: str) -> Counter[str]:
    """How often each message of this run was taken, by send id."""
    found: Counter[str] = Counter()
    ending = f".{run}.example"
    with sink.open("rb") as lines:
        for line in lines:
            mail = orjson.loads(line)
            if mail["recipient"].endswith(ending):
                found["snd_" + mail["message_id"].partition("@")[0].lower()] += 1
    return found


def compared(sends: dict[str, Told], received: Counter[str]) -> Verdict:
    verdict = Verdict(requested=len(sends), received=len(received))
    for send_id, told in sends.items():
        _count(verdict, end_of(told.outcomes), told, received.get(send_id, 0), send_id)
    for send_id in received.keys() - sends.keys():
        _tell(verdict, f"{send_id} was received, the log knows no such send")
    return verdict


def end_of(outcomes: Collection[str]) -> str:
    """The end that a send's outcomes come to; '' when it has none."""
    order = (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.SUPPRESSED)
    rest = (Outcome.CANCELLED, Outcome.EXPIRED, Outcome.AMBIGUOUS)
    return next((end.value for end in (*order, *rest) if end in outcomes), "")


def _count(verdict: Verdict, end: str, told: Told, count: int, send_id: str) -> None:
    if count > 1:
        verdict.duplicates += 1
        _tell(verdict, f"{send_id} ({end or 'open'}) was received {count} times")
    if end == Outcome.AMBIGUOUS:
        verdict.ambiguous += 1
        verdict.ambiguous_received += count > 0
        verdict.journal_ambiguous += told.by_journal
        verdict.journal_received += told.by_journal and count > 0
        return
    if not end:
        verdict.open += 1
        verdict.lost += 1
        _tell(verdict, f"{send_id} has no end")
    elif end == Outcome.ACCEPTED:
        verdict.accepted += 1
        if not count:
            verdict.lost += 1
            _tell(verdict, f"{send_id} is accepted and was not received")
        return
    verdict.rejected += end == Outcome.REJECTED
    verdict.other_ends += bool(end) and end != Outcome.REJECTED
    if count and end:
        _tell(verdict, f"{send_id} was received, the log says {end}")


def _tell(verdict: Verdict, problem: str) -> None:
    if len(verdict.problems) < LISTED_MAX:
        verdict.problems.append(problem)


def _add_proof(verdict: Verdict, report: Report, where: Where, campaigns: Collection[str]) -> None:
    """What `penguin verify` finds about these campaigns, or about none."""
    if report.stores:
        verdict.read_models_equal = sum(each["equal"] for each in report.stores.read_models)
    poisoned = _poisoned(where.data_dir)
    found = [
        each
        for each in report.violations
        if each.campaign_id in {"", *campaigns}
        and not (each.kind == "undecodable" and each.detail.partition(":")[0] in poisoned)
    ]
    verdict.verify_ok = not found
    for violation in found[:LISTED_MAX]:
        _tell(verdict, f"verify: {violation.kind} {violation.send_id} {violation.detail}")


def _poisoned(data: Path) -> set[str]:
    """Places that a run of ours poisoned, as `penguin verify` names them."""
    path = poison_file(data)
    places = path.read_text().split() if path.exists() else []
    parts = [place.split("/") for place in places]
    return {f"{topic}[{partition}]@{offset}" for topic, partition, offset in parts}
