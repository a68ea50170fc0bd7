"""Secrets at rest: what opens, what does not, and what a failure tells."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sealing import (
    KeyFile,
    Seals,
    Unopened,
    ensure_key_file,
    field,
    new_key_line,
    parse,
    read_keys,
    write_key_file,
)

SECRET = b"canary-of-a-secret"
KEY = base64.b64encode(bytes(range(32))).decode()
PLACE = field("ten_a", "vault.signing_key.private_key", "dom_a", "pm1")
SEALS = Seals.under(KEY)


@given(st.binary(max_size=300), st.lists(st.text(max_size=20), max_size=4))
def test_what_is_sealed_opens_in_its_context(plain: bytes, context: list[str]) -> None:
    assert SEALS.open(SEALS.seal(plain, *context), *context) == plain


def test_a_sealed_value_shows_neither_itself_nor_that_it_is_the_same() -> None:
    one, two = SEALS.seal(SECRET, *PLACE), SEALS.seal(SECRET, *PLACE)

    assert one != two
    assert SECRET not in one


@pytest.mark.parametrize(
    "other",
    [
        field("ten_b", "vault.signing_key.private_key", "dom_a", "pm1"),
        field("ten_a", "vault.mailbox.password", "dom_a", "pm1"),
        field("ten_a", "vault.signing_key.private_key", "dom_b", "pm1"),
        field("ten_a", "vault.signing_key.private_key", "dom_ap", "m1"),
    ],
    ids=["tenant", "column", "row", "same letters"],
)
def test_a_value_moved_to_another_tenant_column_or_row_does_not_open(
    other: tuple[str, ...],
) -> None:
    sealed = SEALS.seal(SECRET, *PLACE)

    with pytest.raises(Unopened, match="another tenant, column or row"):
        SEALS.open(sealed, *other)


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=7))
def test_any_changed_bit_is_noticed(at: int, bit: int) -> None:
    sealed = bytearray(SEALS.seal(SECRET, *PLACE))
    sealed[at % len(sealed)] ^= 1 << bit

    with pytest.raises(Unopened):
        SEALS.open(bytes(sealed), *PLACE)


def test_a_wrapped_key_put_onto_another_value_does_not_open() -> None:
    one, two = (SEALS.seal(SECRET, *PLACE), SEALS.seal(b"another secret", *PLACE))
    body = len(parse(two).body)

    with pytest.raises(Unopened):
        SEALS.open(one[: -len(parse(one).body)] + two[-body:], *PLACE)


def test_an_unknown_key_is_named_with_its_cure() -> None:
    sealed = Seals.under(f"old:{KEY}").seal(SECRET, *PLACE)

    with pytest.raises(Unopened, match=r"'old' is missing.*known: new.*PM_SECRET_KEY_FILE"):
        Seals.under(f"new:{KEY}").open(sealed, *PLACE)


def test_another_key_under_the_same_id_says_so() -> None:
    sealed = Seals.under(f"one:{KEY}").seal(SECRET, *PLACE)
    other = base64.b64encode(os.urandom(32)).decode()

    with pytest.raises(Unopened, match="not the one that sealed"):
        Seals.under(f"one:{other}").open(sealed, *PLACE)


def test_without_a_key_nothing_is_sealed_and_the_cure_is_named() -> None:
    with pytest.raises(Unopened, match="PM_SECRET_KEY"):
        Seals.under("").seal(SECRET, *PLACE)


def test_what_was_stored_in_clear_is_refused() -> None:
    with pytest.raises(Unopened, match="not sealed") as refusal:
        SEALS.open(SECRET, *PLACE)

    assert SECRET.decode() not in str(refusal.value)


def test_rotation_rewraps_and_the_old_key_is_needed_no_more() -> None:
    old = new_key_line()
    new = new_key_line()
    sealed = Seals.under(old).seal(SECRET, *PLACE)

    rewrapped = Seals.under(f"{old}\n{new}").rewrapped(sealed)

    assert Seals.under(new).open(rewrapped, *PLACE) == SECRET
    assert Seals.under(f"{old} {new}").rewrapped(rewrapped) == rewrapped


@pytest.mark.parametrize("text", ["short", KEY[:-6], f"Bad Id:{KEY}", f"UPPER:{KEY}", "x" * 44])
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(Unopened) as refusal:
        read_keys(text)

    assert KEY[:20] not in str(refusal.value)


def test_no_key_shows_in_what_is_printed() -> None:
    assert KEY not in repr(SEALS)
    assert KEY not in repr(read_keys(KEY))
    assert str(bytes(range(32)))[2:20] not in repr(read_keys(KEY))


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = ensure_key_file(tmp_path / "keys")
    first = made.read_text()

    assert ensure_key_file(made).read_text() == first
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_a_key_added_to_the_file_is_known_without_a_restart(tmp_path: Path) -> None:
    file = ensure_key_file(tmp_path / "keys")
    running = Seals(KeyFile(file))
    running.seal(SECRET, *PLACE)
    write_key_file(file, file.read_text() + new_key_line() + "\n")

    sealed = Seals(KeyFile(file)).seal(SECRET, *PLACE)

    assert running.open(sealed, *PLACE) == SECRET
    assert parse(running.seal(SECRET, *PLACE)).key_id == parse(sealed).key_id


def test_a_missing_key_file_says_the_cure(tmp_path: Path) -> None:
    with pytest.raises(Unopened, match="PM_SECRET_KEY_FILE"):
        Seals(KeyFile(tmp_path / "none")).seal(SECRET, *PLACE)
