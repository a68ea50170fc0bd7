"""The stand-in's mailboxes behave as their names say, and only theirs."""

from __future__ import annotations

import pytest

from ops.sink.behaviours import ACCEPT, BEHAVIOURS, Behaviour, behaviour_of

WORDS = [behaviour.keyword for behaviour in BEHAVIOURS if behaviour.keyword.isalpha()]


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda b: b.keyword)
@pytest.mark.parametrize("tail", ["", "-7", ".x", "_x", "+tag", "=x", "9"])
def test_a_keyword_decides_alone_and_before_a_digit_or_separator(
    behaviour: Behaviour, tail: str
) -> None:
    found = behaviour_of(f"{behaviour.keyword}{tail}@gmail.com".encode())

    assert found.keyword == behaviour.keyword


@pytest.mark.parametrize("word", WORDS)
def test_a_name_that_only_begins_like_a_keyword_is_an_ordinary_mailbox(word: str) -> None:
    assert behaviour_of(f"{word}er@gmail.com".encode()) is ACCEPT
    assert behaviour_of(f"x{word}@gmail.com".encode()) is ACCEPT


def test_slow_reads_its_milliseconds_and_is_bounded() -> None:
    assert behaviour_of(b"slow250@gmail.com").delay_ms == 250
    assert behaviour_of(b"slow@gmail.com").delay_ms == 1000
    assert behaviour_of(b"slow99999999@gmail.com").delay_ms == 60_000


def test_case_does_not_matter() -> None:
    assert behaviour_of(b"Unknown-1@gmail.com").reply.startswith(b"550 5.1.1")
