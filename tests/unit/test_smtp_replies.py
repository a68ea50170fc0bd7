"""The reply parser: any cut of the stream gives the same replies; what is none is told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.smtp_lane.replies import REPLY_BYTES_MAX, ReplyParser, text_of

LINES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
REPLIES = st.lists(
    st.tuples(st.integers(200, 599), st.lists(LINES, min_size=1, max_size=4)), max_size=8
)


def wire(code: int, lines: list[str]) -> bytes:
    marks = ["-"] * (len(lines) - 1) + [" "]
    return "".join(
        f"{code}{mark}{line}\r\n" for mark, line in zip(marks, lines, strict=True)
    ).encode()


@settings(max_examples=60)
@given(REPLIES, st.data())
def test_any_cut_of_the_stream_gives_the_same_replies(
    replies: list[tuple[int, list[str]]], data: st.DataObject
) -> None:
    stream = b"".join(wire(code, lines) for code, lines in replies)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    parser, found = ReplyParser(), list[tuple[int, bytes]]()
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += parser.feed(stream[start:stop])

    assert [(code, text_of(line)) for code, line in found] == [
        (code, "\n".join(map(str.rstrip, lines)).rstrip()) for code, lines in replies
    ]
    assert not parser.broken
    assert not parser.pending


@pytest.mark.parametrize(
    "stream",
    [
        b"hello\r\n",
        b"25\r\n",
        b"\r\n",
        b"2500 ok\r\n",
        b"250_ok\r\n",
        b"150 ok\r\n",
        b"650 ok\r\n",
        b"250-one\r\n251 two\r\n",
        b"\xff\xfe\xfd\r\n",
        b"250-" + b"x" * REPLY_BYTES_MAX + b"\r\n",
        b"x" * (REPLY_BYTES_MAX + 1),
        b"250-x\r\n" * 20_000,
    ],
    ids=range(12),
)
def test_what_is_no_reply_breaks_the_stream(stream: bytes) -> None:
    parser = ReplyParser()

    found = parser.feed(b"250 before\r\n" + stream + b"250 after\r\n")

    assert [(code, text_of(line)) for code, line in found] == [(250, "before")]
    assert parser.broken


@settings(max_examples=80)
@given(st.binary(max_size=300))
def test_no_bytes_crash_the_parser(noise: bytes) -> None:
    parser = ReplyParser()

    assert all(200 <= code <= 599 for code, _ in parser.feed(noise))


@pytest.mark.parametrize("stream", [b"250\r\n", b"250 \r\n", b"250\n"])
def test_a_reply_needs_no_text(stream: bytes) -> None:
    ((code, line),) = ReplyParser().feed(stream)

    assert (code, text_of(line)) == (250, "")
