"""Folds a live log: reads to its end, judges, looks again at what may be a matter of time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from adapters import codec
from domain.event import Topic
from ops.log_tail import LogTail, Offsets
from ops.verify.fold import DECISIONS, LogFold, Unread
from ops.verify.judge import Wanted, judge
from ops.verify.report import Report, Violation

#: A log that grows is read to ends that were asked one after the other, so an effect may be in and
#: its cause not. What is no violation is none after the next look; what is one stays.
LOOKS_MAX = 4


async def prove(tail: LogTail, fold: LogFold, wanted: Wanted) -> Report:
    """Read to the end and judge; while something does not hold and the log grows, look again."""
    began = time.monotonic()
    for _ in range(LOOKS_MAX):
        ends = await tail.ends()
        await _read(tail, fold, ends)
        report = judge(fold, wanted)
        if report.ok or await tail.ends() == ends:
            break
    _add_gaps(report, await tail.beginnings(), tail)
    report.elapsed_s = time.monotonic() - began
    return report


async def _read(tail: LogTail, fold: LogFold, ends: Offsets) -> None:
    async for records in tail.until(ends):
        for record in records:
            take(fold, tail.bare(record.topic), record)


def take(fold: LogFold, topic: str, record: Any) -> None:
    """Fold one Kafka record in; decisions that say nothing about sends are skipped undecoded."""
    headers = dict(record.headers)
    if topic == Topic.DECISIONS and headers.get("ce_type", b"").decode() not in DECISIONS:
        fold.records += 1
        return
    try:
        fold.apply(codec.recorded(record))
    except codec.Undecodable as error:
        fold.cannot_read(_unread(topic, record, headers, str(error)))


def _unread(topic: str, record: Any, headers: Mapping[str, bytes], reason: str) -> Unread:
    return Unread(
        where=f"{topic}[{record.partition}]@{record.offset}",
        tenant_id=headers.get("tenant", b"").decode(errors="replace"),
        subject=codec.subject_of(record.headers),
        reason=reason,
    )


def _add_gaps(report: Report, beginnings: Offsets, tail: LogTail) -> None:
    """A topic whose beginning is gone cannot prove anything."""
    for partition, first in beginnings.items():
        if first > 0:
            where = f"{tail.bare(partition.topic)}[{partition.partition}]"
            detail = f"{where} begins at offset {first}: what came before is gone"
            report.violations.append(Violation("log_incomplete", detail))
            report.kinds["log_incomplete"] = report.kinds.get("log_incomplete", 0) + 1
