"""Replies as providers' pages and servers' documentation quote them, each block with its source.

They were gathered after the rules were written, mostly from systems that the corpus of real replies
does not have. docs/classification.md tells what the rules made of them before they were looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from domain.outcomes import judge, suppresses
from domain.ports import Phase, Reply

ROW = re.compile(r"(\w+) (\d{3})[ -]?(.*?) +-> (.+)")
FILE = Path(__file__).with_name("documented_replies.txt")


@dataclass(frozen=True)
class Documented:
    """A reply, and the classes that its source allows."""

    line: str
    reply: Reply
    accept: frozenset[str]
    source: str


def documented() -> list[Documented]:
    found, source = [], ""
    for line in FILE.read_text().splitlines():
        if line.startswith("#"):
            source = line[2:]
        elif match := ROW.fullmatch(line):
            phase, code, text, accept = match.groups()
            reply = Reply(Phase(phase), int(code), text)
            found.append(Documented(line, reply, frozenset(accept.split()), source))
        else:
            raise AssertionError(line)
    return found


def test_each_documented_reply_gets_a_class_that_its_source_allows() -> None:
    wrong = [
        (judged.reason, judged.rule, one.line)
        for one in documented()
        if (judged := judge(one.reply)).reason not in one.accept
    ]

    assert wrong == []


def test_no_documented_reply_suppresses_a_recipient_whom_its_source_does_not_blame() -> None:
    hard = [one for one in documented() if judge(one.reply).hard]

    assert len(hard) > 60
    assert [one.line for one in hard if not any(map(suppresses, one.accept))] == []


def test_greylisting_and_the_rate_of_one_recipient_are_covered_by_several_sources() -> None:
    for name in ("GREYLIST", "RECIPIENT_RATE"):
        sources = {one.source for one in documented() if one.accept == {name}}

        assert len(sources) >= 3, name
