"""What people decide about a sending IP's warm-up: which plan it follows, and its quarantine."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import pytest

from domain import quarantine, sending_ip
from domain.event import Event
from domain.refusals import Invalid, NotFound, WrongState
from domain.sending_ip import Egress, State, Warmup
from ops.warming import numbers

MX = Egress()


def of(*events: Event, egress: Egress = MX) -> State:
    """A sending IP to which this happened after it was added."""
    added = sending_ip.add(sending_ip.initial, tenant_id="ten_1", ip="ip_1", egress=egress)
    return reduce(sending_ip.evolve, (*added, *events), sending_ip.initial)


def choose(
    state: State, plan: str, provider: str = "*", *, force: bool = False, target: int = 0
) -> tuple[Event, ...]:
    warmup = Warmup(plan, target=target)
    return sending_ip.choose_plan(
        state, provider=provider, warmup=warmup, reason="new", force=force
    )


def test_an_ip_is_governed_from_its_first_plan_until_the_plan_none() -> None:
    before = of()
    chosen = choose(before, "standard", target=500)
    during = of(*chosen)
    after = of(*chosen, *choose(during, "none"))

    assert [before.governed, during.governed, after.governed] == [False, True, False]
    assert during.warmups == {"*": Warmup("standard", (), 500)}
    assert choose(during, "standard", target=500) == ()
    assert choose(during, "standard", target=501) != ()


def test_that_an_ip_has_no_plan_is_a_choice_too_taken_once() -> None:
    chosen = choose(of(), "none")

    assert len(chosen) == 1
    assert choose(of(*chosen), "none") == ()
    assert not of(*chosen).governed


def test_one_provider_may_be_left_out_of_the_plan_for_all() -> None:
    everywhere = choose(of(), "fast")

    left_out = choose(of(*everywhere), "none", "google")

    assert len(left_out) == 1
    assert of(*everywhere, *left_out).governed


def test_a_plan_of_its_own_stays_when_the_one_for_all_ends() -> None:
    own = choose(of(), "fast", "google")

    state = of(*own, *choose(of(*own), "standard"), *choose(of(*own), "none"))

    assert state.warmups["google"].plan == "fast"
    assert state.governed


@pytest.mark.parametrize(
    ("warmup", "word"),
    [
        (Warmup("slow"), "none, conservative, standard, fast, custom"),
        (Warmup("custom"), "curve"),
        (Warmup("standard", (5,)), "curve"),
        (Warmup("custom", (9, 5)), "rise"),
        (Warmup("custom", (0, 5)), "1 or more"),
        (Warmup("custom", (5,) * 366), "365"),
        (Warmup("custom", (2_000_000_000,)), "above"),
        (Warmup("fast", (), -1), "target"),
        (Warmup("fast", (), 2_000_000_000), "target"),
        (Warmup("none", (), 5), "neither"),
        (Warmup("none", (5,)), "neither"),
    ],
)
def test_what_is_no_plan_is_refused(warmup: Warmup, word: str) -> None:
    with pytest.raises(Invalid, match=word):
        sending_ip.choose_plan(of(), provider="*", warmup=warmup, reason="x")


def test_a_relay_hides_what_providers_answer_so_a_plan_wants_force() -> None:
    relayed = of(egress=Egress("", "relay", "mail.test", 25))

    with pytest.raises(WrongState, match=r"250.*force"):
        choose(relayed, "standard")
    forced = choose(relayed, "standard", force=True)

    assert choose(relayed, "none") != ()
    assert reduce(sending_ip.evolve, forced, relayed).governed


def test_neither_an_unknown_nor_a_retired_ip_gets_a_plan() -> None:
    with pytest.raises(NotFound):
        choose(sending_ip.initial, "fast")
    with pytest.raises(WrongState, match="retired"):
        choose(of(*sending_ip.retire(of(), reason="x")), "fast")


def test_quarantine_begins_and_ends_once_and_keeps_what_is_known() -> None:
    plan = choose(of(), "fast")
    begun = quarantine.begin(of(*plan), reason="listed")
    held = of(*plan, *begun)
    ended = quarantine.end(held, reason="delisted")

    assert (len(begun), len(ended)) == (1, 1)
    assert held.quarantined
    assert held.warmups == {"*": Warmup("fast")}
    assert quarantine.begin(held, reason="again") == ()
    assert quarantine.end(of(*plan), reason="x") == ()
    assert not of(*plan, *begun, *ended).quarantined


def test_a_retired_ip_is_not_quarantined() -> None:
    with pytest.raises(WrongState, match="retired"):
        quarantine.begin(of(*sending_ip.retire(of(), reason="x")), reason="listed")


def test_a_curve_is_numbers_or_a_file_of_them(tmp_path: Path) -> None:
    file = tmp_path / "curve.txt"
    file.write_text("50\n100, 200\n", encoding="utf-8")

    assert numbers("50,100, 200") == numbers(str(file)) == (50, 100, 200)
    assert numbers("") == ()


@pytest.mark.parametrize("given", ["no-such-file", "1.5,2", "-5,9"])
def test_what_is_no_curve_is_refused(given: str) -> None:
    with pytest.raises(Invalid, match="50,100,200"):
        numbers(given)


def test_a_file_without_numbers_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "curve.txt"
    file.write_text("fifty", encoding="utf-8")

    with pytest.raises(Invalid, match="fifty"):
        numbers(str(file))
