"""Each rate is defined once: what is divided by what."""

from __future__ import annotations

from domain.rates import NAMES, rates, share
from projections.send_stats.figures import FIGURES, figures, funnel

METRICS = {
    "requested": 1000, "accepted": 900, "hard": 40, "soft": 10, "late_bounced": 5, "ambiguous": 50,
    "opened": 300, "opens": 700, "clicked": 60, "replied": 18, "unsubscribed": 9, "complaints": 3,
}  # fmt: skip


def test_each_rate_has_its_numerator_and_denominator() -> None:
    found = rates(figures(METRICS))

    assert {name: (one["numerator"], one["denominator"]) for name, one in found.items()} == {
        "delivery": (900, 1000),
        "bounce": (55, 1000),
        "ambiguous": (50, 1000),
        "open": (300, 900),
        "click": (60, 900),
        "reply": (18, 900),
        "unsubscribe": (9, 900),
        "complaint": (3, 900),
        "click_to_open": (60, 300),
        "estimated_inbox": (942, 1000),
    }
    assert found.keys() == set(NAMES)
    assert found["reply"]["value"] == 0.02


def test_without_a_denominator_there_is_no_value() -> None:
    """None, which is neither 0 nor a division by zero."""
    found = rates(figures({}))

    assert {one["value"] for one in found.values()} == {None}
    assert share(1, 3)["value"] == 0.333333


def test_totals_that_lack_a_number_have_no_such_rate() -> None:
    assert rates({"sent": 10, "delivered": 9}).keys() == {"delivery"}


def test_a_funnel_tells_each_stage_as_share_of_the_first_and_of_the_one_before() -> None:
    stages = funnel(figures(METRICS))

    assert [stage["sends"] for stage in stages] == [1000, 1000, 900, 300, 60, 18]
    assert stages[4]["of_requested"]["value"] == 0.06
    assert stages[4]["of_stage_before"] == {"numerator": 60, "denominator": 300, "value": 0.2}


def test_sent_is_what_reached_a_receiving_server_or_may_have() -> None:
    assert set(FIGURES["sent"]) == {"accepted", "hard", "soft", "ambiguous"}
