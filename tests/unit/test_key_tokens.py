"""The text of API keys: told from everything else without looking anything up."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import key_tokens
from api.key_tokens import ALPHABET, LIVE, PATTERN, STAFF, TEST


@pytest.mark.parametrize("kind", [LIVE, TEST, STAFF])
def test_a_fresh_key_has_the_published_shape_and_is_read_again(kind: str) -> None:
    made = key_tokens.make(kind)
    shown = key_tokens.read(made.text)

    assert PATTERN.fullmatch(made.text)
    assert made.text.startswith(f"pm_{kind}_{made.handle}_")
    assert len(made.text) == len(f"pm_{kind}_") + 8 + 1 + 32 + 6
    assert shown is not None
    assert (shown.kind, shown.handle) == (kind, made.handle)
    assert shown.fits(made.hash)


def test_its_end_is_the_crc32_of_all_before_in_base62() -> None:
    text = key_tokens.make(LIVE).text
    number = 0
    for char in text[-6:]:
        number = number * 62 + ALPHABET.index(char)

    assert number == zlib.crc32(text[:-6].encode())


@given(place=st.integers(8, 55), char=st.sampled_from(ALPHABET))
def test_one_wrong_character_anywhere_is_no_key(place: int, char: str) -> None:
    text = key_tokens.make(LIVE).text
    changed = text[:place] + char + text[place + 1 :]

    assert (key_tokens.read(changed) is None) == (changed != text)


@given(st.text(max_size=70))
def test_any_other_text_is_no_key(text: str) -> None:
    assert key_tokens.read(text) is None


def test_no_two_keys_are_alike_and_none_shows_itself_in_a_log() -> None:
    made = [key_tokens.make(LIVE) for _ in range(100)]

    assert len({one.text for one in made}) == 100
    assert made[0].text not in repr(made[0])
