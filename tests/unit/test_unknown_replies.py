"""What is kept of replies that no rule knows: wordings, counted, and nothing about a person."""

from __future__ import annotations

import pytest

from domain.ports import Phase, Reply
from domain.replies.shape import shape
from streams.dispatching.outcomes import finding_of
from streams.dispatching.unknown_replies import SHAPES_MAX, Unknown, UnknownReplies

ADDRESS = "juergen.mueller-lopez@example.org"
FIELDS = ["Jürgen", "Müller López", "Ada"]


@pytest.mark.parametrize(
    "text",
    [
        f"5.9.9 the pigeon of <{ADDRESS}> fell asleep",
        f"the pigeon of {ADDRESS} fell asleep",
        "Dear Jürgen Müller López, the pigeon fell asleep, Ada",
        "juergen.mueller-lopez has a pigeon that fell asleep",
        "JUERGEN: pigeon of mueller fell asleep",
        'pigeon 4711 of "Jürgen" (juergen at host.example.org, 192.0.2.1) fell asleep',
        "the pigeon of MÜLLER fell asleep",
    ],
)
def test_i10_no_piece_of_address_or_fields_is_kept_and_the_wording_is(text: str) -> None:
    kept = shape(text, [ADDRESS, *FIELDS])

    for piece in ("rgen", "ller", "lopez", "ada", "4711", "192", "example"):
        assert piece not in kept
    assert "pigeon" in kept
    assert "fell asleep" in kept


def test_the_same_words_to_two_people_are_one_shape() -> None:
    first = shape("pigeon of <a@example.org> asleep, id 1a2b", ["a@example.org"])
    second = shape("pigeon of <b@example.net> asleep, id 3c4d", ["b@example.net"])

    assert first == second


def noted(*replies: Reply) -> dict[Unknown, int]:
    unknown = UnknownReplies()
    for reply in replies:
        unknown.note(finding_of(reply, "other"), reply, "other", [ADDRESS])
    return dict(unknown._seen)


def test_only_replies_that_no_wording_and_no_status_decided_are_kept() -> None:
    known = [
        Reply(Phase.RCPT, 550, "5.1.1 User unknown"),
        Reply(Phase.RCPT, 550, "5.1.1 pigeon asleep"),
        Reply(Phase.DOT, 250, "pigeon asleep"),
        Reply(Phase.DATA, 0, "connection lost"),
    ]

    kept = noted(
        *known, Reply(Phase.DOT, 554, "pigeon asleep"), Reply(Phase.RCPT, 550, "account pigeon")
    )

    assert {(one.shape, one.rule) for one in kept} == {
        ("pigeon asleep", "unknown"),
        ("account pigeon", "code.550.rcpt"),
    }


def test_a_server_that_says_ever_new_words_fills_no_memory() -> None:
    words = ("".join("abcdefghij"[int(digit)] for digit in str(n)) for n in range(SHAPES_MAX + 50))

    assert len(noted(*(Reply(Phase.DOT, 554, f"qz{word}") for word in words))) == SHAPES_MAX
