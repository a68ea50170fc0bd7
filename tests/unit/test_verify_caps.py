"""I7 as `penguin verify` judges it: no cell of (IP, provider, day) beyond the cap in force."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.sending_ip import SendingIpCapSet
from tests.verify_kit import (
    DAY,
    NOON,
    TENANT,
    Fact,
    cap,
    kinds,
    plan,
    planned,
    proof,
    quota,
    started,
)

YESTERDAY = NOON - timedelta(days=1)


def test_i7_a_cell_within_its_cap_holds_and_one_more_does_not() -> None:
    facts = (planned(), cap(3, YESTERDAY))

    assert proof(*facts, started(ranges=[[0, 3]], cap_per_day=3)).ok
    report = proof(*facts, started(cap_per_day=3))

    assert set(report.kinds) == {"cap_exceeded"}
    assert report.violations[0].cell == "ip_a/gmail/2026-03-01"


def test_i7_the_sum_of_releases_counts_and_a_repeat_of_one_does_not() -> None:
    facts = (planned(), cap(3, YESTERDAY), started(ranges=[[0, 2]], cap_per_day=3))

    assert proof(*facts, started(ranges=[[0, 2]], cap_per_day=3)).ok
    assert kinds(*facts, started("rel_2", ranges=[[2, 4]], cap_per_day=3)) == {"cap_exceeded"}


@pytest.mark.parametrize(
    ("changes", "stamp", "holds"),
    [
        ([cap(2, YESTERDAY), cap(4, NOON)], 4, True),  # raised during the day
        ([cap(4, YESTERDAY), cap(2, NOON)], 4, True),  # lowered: what was charged before stays
        ([cap(4, YESTERDAY), cap(2, NOON)], 2, False),  # all was charged to the lower one
        ([cap(9, YESTERDAY), cap(2, YESTERDAY + timedelta(hours=1))], 9, False),  # long gone
        ([cap(2, YESTERDAY), cap(4, NOON + timedelta(days=1))], 4, False),  # not yet in force
        ([cap(2, YESTERDAY), cap(9, YESTERDAY, "gmail")], 9, True),  # the provider's own wins
        ([cap(9, YESTERDAY), cap(2, YESTERDAY, "gmail")], 9, False),
        ([cap(2, YESTERDAY), cap(9, YESTERDAY, "yahoo")], 9, False),
        ([cap(2, YESTERDAY), cap(None, NOON)], None, True),  # lifted
        ([cap(2, YESTERDAY)], None, False),
        ([cap(None, YESTERDAY)], None, True),
        ([], None, True),
        ([], 9, False),  # a cap that nobody set
        ([cap(9, NOON)], 9, True),  # set for the first time today
    ],
)
def test_i7_the_cap_in_force_on_the_day_decides(
    changes: list[Fact],
    stamp: int | None,
    holds: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert proof(planned(), *changes, started(cap_per_day=stamp)).ok is holds


def test_i7_days_providers_and_ips_are_cells_of_their_own() -> None:
    half: dict[str, Any] = {"ranges": [[0, 2]], "cap_per_day": 2}
    rest: dict[str, Any] = {"ranges": [[2, 4]], "cap_per_day": 2}
    tomorrow: dict[str, Any] = {
        "cap_day": DAY + timedelta(days=1),
        "deadline_at": NOON + timedelta(days=1),
    }
    other_ip = (
        SendingIpCapSet(tenant_id=TENANT, ip="ip_b", provider="*", cap_per_day=2, reason="x"),
        YESTERDAY,
    )
    facts = (planned(), cap(2, YESTERDAY), other_ip, started(**half))

    assert not proof(*facts, started("rel_2", **rest)).ok
    others: list[dict[str, Any]] = [{"provider": "yahoo"}, {"ip": "ip_b"}, tomorrow]
    for change in others:
        assert proof(*facts, started("rel_2", **rest, **change)).ok


def test_i7_a_slice_may_not_outlive_its_day() -> None:
    midnight = datetime(2026, 3, 2, tzinfo=UTC)

    assert proof(planned(), started(deadline_at=midnight)).ok
    assert kinds(planned(), started(deadline_at=midnight + timedelta(seconds=1))) == {
        "cap_exceeded"
    }


@pytest.mark.parametrize(
    ("changes", "stamp", "holds"),
    [
        ([plan("standard", YESTERDAY), quota(4, YESTERDAY)], 4, True),
        ([plan("standard", YESTERDAY), quota(3, YESTERDAY)], 3, False),  # more was started
        ([plan("standard", YESTERDAY), quota(4, YESTERDAY)], None, False),  # it bound
        ([plan("standard", YESTERDAY), quota(9, YESTERDAY), cap(4, YESTERDAY)], 4, True),
        ([plan("standard", YESTERDAY), quota(4, YESTERDAY), cap(9, YESTERDAY)], 4, True),
        ([plan("standard", YESTERDAY), quota(4, YESTERDAY), cap(9, YESTERDAY)], 9, False),
        ([plan("standard", YESTERDAY), quota(3, YESTERDAY), quota(4, NOON)], 4, True),  # grew
        ([plan("standard", YESTERDAY)], 300, True),  # as the plan begins
        ([plan("standard", YESTERDAY), quota(4, NOON)], 300, True),  # and so it did this morning
        ([plan("fast", YESTERDAY)], 300, False),
        ([plan("standard", YESTERDAY, "yahoo"), quota(4, YESTERDAY)], None, True),  # another's
        ([plan("standard", YESTERDAY), plan("none", NOON), quota(4, YESTERDAY)], None, True),
        ([quota(4, YESTERDAY)], None, True),  # never governed
        ([quota(4, YESTERDAY)], 4, False),
    ],
)
def test_i7_the_quota_that_governs_a_cell_binds_beside_its_cap(
    changes: list[Fact], stamp: int | None, *, holds: bool
) -> None:
    report = proof(planned(), *changes, started(ranges=[[0, 4]], cap_per_day=stamp))

    assert report.ok is holds
    if not holds:
        assert set(report.kinds) == {"cap_exceeded"}
