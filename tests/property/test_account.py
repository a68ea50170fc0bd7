"""Whatever lanes report, and however often: each send of a slice is told exactly once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.indexes import each
from domain.ports import Phase, Reply
from domain.sending import OutcomesRecorded
from streams.dispatching.claim import Release
from streams.dispatching.outcomes import Account, Outbox, finding_of
from tests.dispatch_kit import MemoryLog

REPLIES = (
    Reply(Phase.DOT, 250, "ok"),
    Reply(Phase.DOT, 0, "lost"),
    Reply(Phase.RCPT, 550, "5.1.1 unknown user"),
    Reply(Phase.DATA, 451, "4.3.0 later"),
)
SIZE = 12
reports = st.lists(st.tuples(st.integers(-1, SIZE), st.sampled_from(REPLIES)), max_size=40)


def account(outbox: Outbox) -> Account:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    ranges = [SimpleNamespace(lower=0, upper=5), SimpleNamespace(lower=7, upper=SIZE)]
    names: dict[str, Any] = dict.fromkeys(Release.__dataclass_fields__, "x")
    numbers = {"step": 1, "n": 1, "cap_per_day": None, "left_s": 1.0, "relay_port": 0}
    moments = {"cap_day": date(2026, 1, 1), "deadline_at": moment, "launched_at": moment}
    return Account(Release(**(names | numbers | moments | {"ranges": ranges})), outbox)


@given(reports=reports, cuts=st.sets(st.integers(0, 40)))
@settings(max_examples=60, deadline=None)
def test_each_send_is_told_once_and_its_first_finding_stands(
    reports: list[tuple[int, Reply]], cuts: set[int]
) -> None:
    wanted = set(range(5)) | set(range(7, SIZE))
    kept = account(Outbox(MemoryLog()))
    drafts = []

    for number, (index, reply) in enumerate(reports):
        kept.report(index, reply)
        if number in cuts:
            drafts.append(kept.cut())
    kept.find(finding_of(REPLIES[1], "google"), tuple(kept.open))
    drafts.append(kept.cut())

    told: dict[int, str] = {}
    times = Counter[int]()
    for draft in filter(None, drafts):
        assert isinstance(draft.event, OutcomesRecorded)
        for result in draft.event.results:
            times.update(each(result["ranges"]))
            told |= dict.fromkeys(each(result["ranges"]), result["outcome"])
        kept.acknowledged(draft)
    first: dict[int, str] = {}
    for index, reply in reports:
        first.setdefault(index, finding_of(reply, "x").outcome)
    assert set(times) == wanted
    assert set(times.values()) == {1}
    assert told == {index: first.get(index, "ambiguous") for index in wanted}
    assert kept.settled.is_set()
