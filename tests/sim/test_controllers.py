"""The evaluation's own claims: it repeats, its oracle is hard to beat, the governor holds up."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ops.cli import main
from ops.sim.course import CONTROLLERS, compare, drive, run
from ops.sim.figures import medians, row
from ops.sim.receiver import Receiver
from ops.sim.smtp_form import drive as drive_over_smtp
from ops.sim.traits import Span, Traits, drawn
from ops.sim.variants import VARIANTS

DAYS = 30


def some(kind: str, count: int = 2) -> list[Traits]:
    return [one for one in drawn(30, DAYS, 42) if one.kind == kind][:count]


class Scaled:
    """Sees the room as the oracle does, and sends a part or a multiple of it."""

    def __init__(self, receiver: Receiver, factor: float, sits_out: Span) -> None:
        self.receiver, self.factor, self.sits_out = receiver, factor, sits_out
        self.hour, self.left = -1, 0

    def ask(self, hour: int, due: int, /) -> int:
        if self.receiver.blocking or self.sits_out.holds(hour // 24):
            return 0
        if hour != self.hour:
            self.hour, self.left = hour, int(self.receiver.room * self.factor)
        return min(due, self.left)

    def observe(self, _hour: int, _findings: tuple[object, ...], _due: int, /) -> None:
        self.left = 0

    def hear(self, _hour: int, _complaints: int, /) -> None:
        pass


@pytest.mark.parametrize("kind", ["clean", "mediocre", "bad"])
@pytest.mark.parametrize("factor", [0.7, 0.9, 1.2, 1.6])
def test_no_other_pace_beats_the_oracle_by_much(kind: str, factor: float) -> None:
    """It is greedy; sending less, or pushing, never brings 3 % more."""
    for traits in some(kind):
        best = run(traits, DAYS, "oracle")
        receiver = Receiver(traits)
        other = drive(traits, DAYS, receiver, Scaled(receiver, factor, Span()))

        assert best.blocks == best.lost == 0
        assert other.admitted <= 1.03 * best.admitted


def test_sitting_out_a_bad_segment_does_not_beat_the_oracle_by_much() -> None:
    for traits in [one for one in drawn(30, DAYS, 42) if one.segment_days.end][:3]:
        best = run(traits, DAYS, "oracle")
        receiver = Receiver(traits)
        other = drive(traits, DAYS, receiver, Scaled(receiver, 1.0, traits.segment_days))

        assert other.admitted <= 1.03 * best.admitted


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_seed_gives_the_same_figures_again(controller: str) -> None:
    first, second = (compare(drawn(3, 12, 5), 12, controller) for _ in range(2))

    assert first == second


def test_all_mail_that_was_handed_in_is_accounted_for() -> None:
    """Nobody admits more than was demanded, and shares add up."""
    for controller in CONTROLLERS:
        for traits, course, best in compare(drawn(5, 12, 9), 12, controller):
            assert 0 <= course.admitted + course.lost <= course.demanded
            assert sum(course.by_day) == course.admitted
            assert row(traits, course, best)["share_of_oracle"] <= 1.05


def test_the_governor_reaches_its_figures_on_receivers_it_was_not_tuned_on() -> None:
    rows = [row(*one) for one in compare(drawn(15, 50, 1234), 50, "governor")]
    found = medians(rows)

    assert found["clean"]["share_of_oracle"] >= 0.80
    assert found["mediocre"]["share_of_oracle"] >= 0.50
    assert found["bad_segment"]["share_of_oracle"] >= 0.60
    assert found["clean"]["blocks_of_all"] == 0
    assert found["bad"]["blocks_max"] <= 1
    assert max(group["lost_share_max"] for group in found.values()) < 0.005


def test_a_controller_that_does_not_listen_is_blocked_where_the_governor_is_not() -> None:
    bad = some("bad", 3)

    assert sum(run(one, DAYS, "threshold").blocks for one in bad) > 3
    assert sum(run(one, DAYS, "table").blocks for one in bad) > 3
    assert max(run(one, DAYS, "governor").blocks for one in bad) <= 1


def test_a_bad_segment_makes_the_governor_cut() -> None:
    """With the segment it carries less than without, the rest being the same."""
    (traits,) = [one for one in drawn(30, DAYS, 42) if one.segment_days.end][:1]
    without = run(replace(traits, segment_days=Span()), DAYS, "governor")

    assert run(traits, DAYS, "governor").admitted < without.admitted


def test_variants_change_the_receivers() -> None:
    (traits,) = drawn(1, DAYS, 1)
    changed = [change(traits) != traits for change in VARIANTS.values()]

    assert changed == [False, *[True] * (len(VARIANTS) - 1)]


# ---- over SMTP


async def test_over_smtp_the_oracle_gets_through_exactly_what_it_does_in_process() -> None:
    (traits,) = drawn(1, 3, 7, scale=0.02)
    course, classes = await drive_over_smtp(traits, 3, "oracle")

    fast = run(traits, 3, "oracle")
    assert (course.admitted, course.lost, course.blocks) == (fast.admitted, 0, 0)
    assert set(classes) <= {"ACCEPTED", "INVALID_RECIPIENT"}


@pytest.mark.parametrize("provider", ["yahoo", "outlook", "gmail", "gmx", "other"])
async def test_over_smtp_deferrals_and_blocks_are_read_from_their_wording(provider: str) -> None:
    (drawn_one,) = drawn(1, 3, 7, scale=0.02)
    traits = replace(drawn_one, provider=provider, per_h=1.0, push_hours=1, demand_per_day=400)
    course, classes = await drive_over_smtp(traits, 1, "threshold")

    assert course.blocks > 0
    assert {"REPUTATION_DEFER", "REPUTATION_BLOCK"} <= set(classes)
    assert set(classes) <= {
        "ACCEPTED",
        "INVALID_RECIPIENT",
        "REPUTATION_DEFER",
        "REPUTATION_BLOCK",
    }


# ---- the command


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["sim", *arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_the_command_tells_receivers_and_medians_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ("--receivers", "5", "--days", "8", "--seed", "3", "--controller", "table", "--json")
    code, out, _ = told(capsys, *asked)

    found = json.loads(out)
    assert code == 0
    assert [one["list"] for one in found["receivers"]] == [
        "clean",
        "mediocre",
        "clean",
        "bad",
        "clean",
    ]
    wanted = {"name", "list", "admitted", "lost", "blocks", "share_of_oracle"}
    assert all(wanted <= one.keys() for one in found["receivers"])
    assert set(found["medians"]) == {"clean", "mediocre", "bad", "bad_segment"}
    assert told(capsys, *asked)[1] == out


@pytest.mark.parametrize(
    "wrong", [("--controller", "luck"), ("--plan", "slow"), ("--receivers", "0"), ("--days", "0")]
)
def test_the_command_refuses_what_it_does_not_have(
    capsys: pytest.CaptureFixture[str], wrong: tuple[str, str]
) -> None:
    code, out, error = told(capsys, *wrong)

    assert (code, out) == (2, "")
    assert wrong[0].strip("-") in error
