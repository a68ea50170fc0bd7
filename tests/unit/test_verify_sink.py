"""Log against receiving side: what differs is told for what it is, what may be is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain.event import Event
from ops.errors import Missing, Usage
from ops.verify.against_sink import SinkReport, compare
from ops.verify.judge import judge
from ops.verify.report import Report
from ops.verify.sink_record import SinkRecord
from tests.verify_kit import (
    CAMPAIGN,
    TENANT,
    fold,
    launched,
    outcomes,
    planned,
    records,
    resolved,
    snd,
    started,
)

REQUESTED = (launched(), planned())
PLANNED = (*REQUESTED, started())
ACCEPTED = outcomes({"accepted": [[0, 4]]})


def identity(index: int) -> str:
    return snd("bat_1", index).removeprefix("snd_")


def line(index: int) -> str:
    return json.dumps({"time": "t", "recipient": "a@b.test", "message_id": f"{identity(index)}@x"})


def compared(
    folder: Path, received: list[int], *facts: Event, before: tuple[Event, ...] = PLANNED
) -> tuple[SinkReport, Report]:
    file = folder / "received.jsonl"
    file.write_text("".join(line(index) + "\n" for index in received))
    folded = fold(records(*before, *facts))
    report = judge(folded)
    compare(folded, file, report, lambda _: True)
    assert report.sink is not None
    return report.sink, report


def test_what_was_accepted_and_received_once_matches(tmp_path: Path) -> None:
    sink, report = compared(tmp_path, [0, 1, 2, 3], ACCEPTED)

    assert report.ok
    assert (sink.received, sink.matched, sink.differences) == (4, 4, [])


@pytest.mark.parametrize(
    ("received", "kind", "index", "state"),
    [
        ([0, 1, 2], "missing", 3, "accepted"),
        ([0, 1, 2, 3, 3], "duplicated", 3, "accepted"),
        ([0, 1, 2, 3, 9], "unknown", 9, "no such send"),
    ],
)
def test_a_message_missing_twice_or_unknown_is_told_as_such(
    tmp_path: Path, received: list[int], kind: str, index: int, state: str
) -> None:
    sink, report = compared(tmp_path, received, ACCEPTED)

    (difference,) = sink.differences
    assert (difference["kind"], difference["send_id"]) == (kind, snd("bat_1", index))
    assert difference["state"] == state
    assert getattr(sink, kind) == 1
    assert report.kinds == {"sink_differs": 1}
    assert kind in report.violations[0].detail


@pytest.mark.parametrize("outcome", ["rejected", "deferred", "suppressed", "cancelled", "expired"])
def test_a_message_that_the_log_excludes_is_unexpected(tmp_path: Path, outcome: str) -> None:
    told = outcomes({"accepted": [[0, 3]], outcome: [[3, 4]]})
    before = (*REQUESTED, started(ranges=[[0, 3]]))
    sink, report = compared(tmp_path, [0, 1, 2, 3], told, before=before)

    assert sink.unexpected == 1
    assert sink.differences[0] == {
        "kind": "unexpected", "send_id": snd("bat_1", 3), "campaign_id": CAMPAIGN,
        "tenant_id": TENANT, "state": outcome, "received": 1,
    }  # fmt: skip
    assert not report.ok


def test_ambiguous_sends_are_told_apart_by_delivery_and_are_no_difference(tmp_path: Path) -> None:
    told = outcomes({"accepted": [[0, 2]], "ambiguous": [[2, 4]]})
    sink, report = compared(tmp_path, [0, 1, 2], told)

    assert report.ok
    assert (sink.ambiguous_delivered, sink.ambiguous_not_delivered) == (1, 1)
    assert [(one["send_id"], one["received"]) for one in sink.ambiguous] == [
        (snd("bat_1", 2), 1),
        (snd("bat_1", 3), 0),
    ]


def test_an_ambiguous_send_received_twice_is_a_difference(tmp_path: Path) -> None:
    sink, _ = compared(tmp_path, [0, 0], outcomes({"ambiguous": [[0, 1]]}))

    assert sink.duplicated == 1


def test_evidence_of_no_delivery_against_a_delivered_message_is_a_difference(
    tmp_path: Path,
) -> None:
    told = (outcomes({"ambiguous": [[0, 1]]}), resolved("deferred", [[0, 1]]))
    sink, _ = compared(tmp_path, [0], *told)

    assert sink.unexpected == 1


def test_what_is_in_flight_may_be_received_once(tmp_path: Path) -> None:
    sink, report = compared(tmp_path, [0, 1], outcomes({"accepted": [[0, 1]]}))

    assert report.ok
    assert (sink.matched, sink.open_delivered) == (1, 1)


def test_other_campaigns_messages_are_known_though_not_judged(tmp_path: Path) -> None:
    file = tmp_path / "received.jsonl"
    file.write_text(line(0) + "\n")
    folded = fold(records(*PLANNED, ACCEPTED))
    report = judge(folded, lambda _: False)
    compare(folded, file, report, lambda _: False)

    assert report.ok


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T12:00:00Z anna@example.test <{0}@x.test>",
        "2026-03-01 12:00:00\tanna@example.test\t{0}@x.test",
        "1772366400.25,anna@example.test,{0}@x.test",
        '"2026-03-01","anna@example.test","<{0}@x.test>"',
        "{0}@x.test anna@example.test 2026-03-01",
        '{{"ts": 1, "to": "anna@example.test", "Message-ID": "<{0}@x.test>"}}',
        '{{"messageId":"{0}@x.test"}}',
    ],
)
def test_lines_of_many_forms_are_read(tmp_path: Path, written: str) -> None:
    file = tmp_path / "sink.txt"
    file.write_text("time recipient message_id\n# a comment\n\n" + written.format(identity(0)))

    record = SinkRecord(file)

    assert (record.received, record.counts([hash(snd("bat_1", 0))])) == (1, [1])
    assert list(record.unasked()) == []


def test_a_line_without_a_message_id_is_named(tmp_path: Path) -> None:
    file = tmp_path / "sink.txt"
    file.write_text(line(0) + "\nnothing of the kind\n")

    with pytest.raises(Usage, match="line 2"):
        SinkRecord(file)


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no such file"):
        SinkRecord(tmp_path / "none")
