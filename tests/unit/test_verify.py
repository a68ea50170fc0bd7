"""`penguin verify` turns red for each thing that must not be, and stays green for what may be."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta
from typing import Any

import pytest

from domain.event import Event
from ops.verify.fold import Unread
from ops.verify.judge import judge
from ops.verify.report import KINDS, LISTED_MAX
from tests.verify_kit import (
    NOON,
    SIZE,
    TENANT,
    audience,
    cancelled,
    cap,
    finished,
    fold,
    kinds,
    launched,
    outcomes,
    planned,
    proof,
    records,
    resolved,
    snd,
    started,
)

WHOLE = (
    launched(),
    planned(),
    audience(),
    started(),
    outcomes({"accepted": [[0, 2]], "rejected": [[2, 3]], "deferred": [[3, 4]]}),
    started("rel_2", 2, [[3, 4]]),
    outcomes({"accepted": [[3, 4]]}, "rel_2", 2),
    finished(accepted=3, rejected=1),
)


# ---- what holds


def test_i6_a_whole_campaign_holds_and_its_counts_add_up() -> None:
    report = proof(*WHOLE)

    (campaign,) = report.campaigns
    assert report.ok
    assert (campaign.requested, campaign.accepted, campaign.rejected) == (4, 3, 1)
    assert (campaign.open, campaign.finished) == (0, True)


@pytest.mark.parametrize("cut", range(1, len(WHOLE)))
def test_a_log_that_stops_anywhere_holds_and_names_what_is_open(cut: int) -> None:
    report = proof(*WHOLE[:cut])

    (campaign,) = report.campaigns
    ends = campaign.accepted + campaign.rejected
    assert report.ok
    assert campaign.requested == ends + campaign.open
    assert len(campaign.open_sends) == campaign.open


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_records_and_repeats_change_nothing(seed: int) -> None:
    rng = random.Random(seed)
    shuffled = records(*WHOLE, cap(100, NOON - timedelta(days=1)))[:8] * 2
    rng.shuffle(shuffled)

    assert judge(fold(shuffled)).campaigns == proof(*WHOLE).campaigns
    assert judge(fold(shuffled)).ok


def test_every_end_is_counted_as_what_it_is() -> None:
    report = proof(
        planned(size=6, ids=[snd(n) for n in range(6)]),
        started(ranges=[[0, 2]]),
        outcomes({"suppressed": [[2, 3]], "ambiguous": [[1, 2]]}),
        cancelled("expired", [[3, 4]]),
        cancelled("cancelled", [[4, 5]]),
    )

    (campaign,) = report.campaigns
    assert report.ok
    assert (campaign.suppressed, campaign.ambiguous, campaign.expired) == (1, 1, 1)
    assert (campaign.cancelled, campaign.open) == (1, 2)
    assert campaign.open_sends == [
        {"send_id": snd(0), "state": "started"},
        {"send_id": snd(5), "state": "waiting"},
    ]


def test_evidence_after_the_end_may_settle_what_was_ambiguous() -> None:
    report = proof(
        planned(), audience(), started(), outcomes({"accepted": [[0, 2]], "ambiguous": [[2, 4]]}),
        finished(accepted=2, ambiguous=2), resolved("accepted", [[2, 3]]),
        resolved("rejected", [[3, 4]]),
    )  # fmt: skip

    assert report.ok
    assert (report.campaigns[0].accepted, report.campaigns[0].rejected) == (3, 1)


def test_owner_and_sweeper_may_conclude_the_same_attempt() -> None:
    accepted = {"accepted": [[0, 4]]}

    assert proof(planned(), started(), outcomes(accepted), outcomes(accepted, source="sweeper")).ok


def test_a_repeated_record_counts_once() -> None:
    twice = records(planned(), started(cap_per_day=4), outcomes({"accepted": [[0, 4]]}))
    with_cap = [*twice, *twice, *records(*[launched()] * 3, cap(4, NOON - timedelta(days=2)))[3:]]

    assert judge(fold(with_cap)).ok


# ---- what does not hold: one test per kind


def test_i4_accepted_in_two_attempts() -> None:
    report = proof(
        planned(), started(), outcomes({"accepted": [[0, 4]], "deferred": [[0, 1]]}),
        started("rel_2", 2, [[0, 1]]), outcomes({"accepted": [[0, 1]]}, "rel_2", 2),
    )  # fmt: skip

    assert set(report.kinds) == {"accepted_twice"}
    assert [violation.send_id for violation in report.violations] == [snd("bat_1", 0)]


def test_i4_accepted_twice_by_the_owner_of_one_release() -> None:
    accepted = {"accepted": [[1, 2]]}

    assert kinds(planned(), started(), outcomes(accepted), outcomes(accepted)) == {"accepted_twice"}


def test_i4_accepted_by_two_releases_of_one_attempt() -> None:
    accepted = {"accepted": [[1, 2]]}
    facts = (
        planned(), started(ranges=[[1, 2]]), started("rel_2", ranges=[[1, 2]]),
        outcomes(accepted), outcomes(accepted, "rel_2"),
    )  # fmt: skip

    for order in itertools.permutations(facts):
        assert kinds(*order) == {"accepted_twice", "started_twice"}


def test_i4_started_by_two_releases() -> None:
    assert kinds(planned(), started(ranges=[[0, 3]]), started("rel_2", ranges=[[2, 4]])) == {
        "started_twice"
    }


@pytest.mark.parametrize("before", ["ambiguous", "rejected", None])
def test_i4_a_next_attempt_without_a_definite_deferral(before: str | None) -> None:
    first = [outcomes({before: [[0, 4]]})] if before else []

    report = proof(planned(), started(), *first, started("rel_2", 2, [[0, 1]]))

    assert set(report.kinds) == {"attempt_before_outcome"}


def test_i4_a_next_attempt_after_evidence_of_no_delivery_is_fine() -> None:
    facts = (
        planned(), started(), outcomes({"ambiguous": [[0, 4]]}), resolved("deferred", [[0, 1]]),
        started("rel_2", 2, [[0, 1]]),
    )  # fmt: skip

    assert proof(*facts).ok


def test_i5_accepted_without_a_start() -> None:
    assert kinds(planned(), started(ranges=[[0, 3]]), outcomes({"accepted": [[0, 4]]})) == {
        "accepted_unstarted"
    }


@pytest.mark.parametrize(
    "fact",
    [
        started(ranges=[[0, SIZE + 1]]),
        outcomes({"rejected": [[0, 1]]}, batch="bat_unknown"),
        cancelled("cancelled", [[SIZE, SIZE + 1]]),
    ],
)
def test_i5_what_happened_to_sends_that_nobody_requested(fact: Event) -> None:
    assert kinds(planned(), fact) == {"not_requested"}


@pytest.mark.parametrize("end", ["cancelled", "expired"])
def test_i6_two_ends_of_one_send(end: str) -> None:
    report = proof(planned(), started(), outcomes({"accepted": [[0, 4]]}), cancelled(end, [[0, 1]]))

    assert set(report.kinds) == {"two_ends"}
    assert report.campaigns[0].accepted == 4


def test_i6_finished_with_an_open_send() -> None:
    report = proof(
        planned(), audience(), started(), outcomes({"accepted": [[0, 3]]}), finished(accepted=4)
    )

    assert set(report.kinds) == {"open_in_finished", "counts_differ"}
    (open_send,) = [each for each in report.violations if each.kind == "open_in_finished"]
    assert open_send.send_id == snd("bat_1", 3)


@pytest.mark.parametrize(
    "end",
    [
        finished(accepted=3, rejected=1),
        finished(accepted=4, ambiguous=1),
        finished(requested=5, accepted=4),
        finished(accepted=5),
    ],
)
def test_i6_finished_with_other_counts_than_the_log(end: Event) -> None:
    assert kinds(
        planned(), audience(), started(), outcomes({"accepted": [[0, 4]]}), end
    ) == {"counts_differ"}  # fmt: skip


@pytest.mark.parametrize("told", [audience(total=5), audience(batches=2), None])
def test_i6_an_audience_of_another_size(told: Event | None) -> None:
    end = finished(accepted=4)
    facts = [planned(), started(), outcomes({"accepted": [[0, 4]]}), end]

    assert kinds(*facts, *([told] if told else [])) == {"plan_differs"}


def test_i4_a_send_planned_in_two_batches() -> None:
    report = proof(planned(), planned("bat_2", ids=[snd("x"), snd("bat_1", 2), snd("y"), snd("z")]))

    assert set(report.kinds) == {"planned_twice"}
    assert [each.send_id for each in report.violations] == [snd("bat_1", 2)]
    assert report.campaigns[0].requested == 7


def test_i4_a_batch_planned_again_with_other_sends() -> None:
    assert proof(planned(), planned()).ok
    assert kinds(planned(), planned(ids=[snd(n) for n in range(4)])) == {"batch_changed"}


def test_a_record_that_cannot_be_read_is_told() -> None:
    made = fold(records(planned()))
    made.cannot_read(Unread("pm.attempts[0]@7", TENANT, "bat_1", "not JSON"))

    report = judge(made)

    assert report.kinds == {"undecodable": 1}
    assert "pm.attempts[0]@7" in report.violations[0].detail


@pytest.mark.parametrize("ranges", [[[3, 1]], [[-1, 2]], [["a", 2]]])
def test_ranges_that_are_none_are_told_as_undecodable(ranges: list[list[Any]]) -> None:
    assert kinds(planned(), outcomes({"accepted": ranges})) == {"undecodable"}


def test_many_violations_are_counted_and_some_are_listed() -> None:
    size = LISTED_MAX + 50
    ids = [snd(n) for n in range(size)]

    report = proof(planned(size=size, ids=ids), outcomes({"accepted": [[0, size]]}))

    assert report.kinds == {"accepted_unstarted": size}
    assert len(report.violations) == LISTED_MAX
    assert not report.ok


def test_every_kind_is_explained() -> None:
    told = set(KINDS)

    assert {
        violation.kind for violation in proof(planned(), started(ranges=[[9, 10]])).violations
    } <= told
    assert all(KINDS.values())
