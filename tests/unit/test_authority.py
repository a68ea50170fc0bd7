"""Send authority is an epoch that only rises; a copy of a data folder is another stack."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.stack_identity import SEAT, copied_from, stack_id
from domain import authority
from domain.authority import SendAuthorityTaken
from domain.refusals import Invalid


def told(state: authority.State, **wanted: object) -> authority.State:
    asked = {"stack_id": "stk_a", "log_id": "log_a", "reason": "r"} | wanted
    for event in authority.take(state, **asked):  # type: ignore[arg-type]
        state = authority.evolve(state, event)
    return state


def test_the_first_start_takes_authority_and_no_later_one_does() -> None:
    (taken,) = authority.take_first(authority.initial, stack_id="stk_a", log_id="log_a")

    assert isinstance(taken, SendAuthorityTaken)
    assert (taken.epoch, taken.stack_id, taken.log_id) == (1, "stk_a", "log_a")
    assert authority.take_first(told(authority.initial), stack_id="stk_b", log_id="log_a") == ()


def test_who_holds_it_takes_it_again_only_anew() -> None:
    held = told(authority.initial)

    assert told(held) == held
    assert told(held, anew=True).epoch == 2


@given(st.lists(st.sampled_from([("stk_a", "log_a"), ("stk_b", "log_a"), ("stk_a", "log_b")])))
def test_each_change_of_holder_or_log_is_one_epoch(takers: list[tuple[str, str]]) -> None:
    state = authority.initial
    for stack, log in takers:
        after = told(state, stack_id=stack, log_id=log)
        changed = (state.stack_id, state.log_id) != (stack, log)
        assert after.epoch == state.epoch + changed
        assert (after.stack_id, after.log_id) == (stack, log)
        state = after


@pytest.mark.parametrize(
    ("name", "value"), [("reason", " "), ("reason", "x" * 501), ("stack_id", ""), ("stack_id", "ä")]
)
def test_a_reason_and_a_stack_id_are_wanted(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=name):
        told(authority.initial, **{name: value})


# ---- which stack a folder is


def test_a_folder_keeps_its_id_and_the_environment_wins(tmp_path: Path) -> None:
    own = stack_id(tmp_path)

    assert own.startswith("stk_")
    assert stack_id(tmp_path) == own
    assert stack_id(tmp_path, "production") == "production"
    assert copied_from(tmp_path) == ""


def test_a_copy_is_another_stack_and_knows_of_which(tmp_path: Path) -> None:
    own = stack_id(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")

    copied = stack_id(tmp_path / "two")

    assert copied != own
    assert stack_id(tmp_path / "two") == copied
    assert copied_from(tmp_path / "two") == own
    assert stack_id(tmp_path / "one") == own


def test_a_folder_restored_to_its_own_place_is_another_stack(tmp_path: Path) -> None:
    own = stack_id(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "backup")
    (tmp_path / "one" / SEAT).rename(tmp_path / "kept")  # so that its inode is not given out again
    shutil.rmtree(tmp_path / "one")
    shutil.copytree(tmp_path / "backup", tmp_path / "one")

    assert stack_id(tmp_path / "one") != own
