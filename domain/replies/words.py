"""The small language in which rules quote what servers say, compiled to a regex and its keys.

A pattern is words in order: `a|b` alternatives, `..` anything up to 60 characters within the same
sentence, `?a` a word that may be missing, `!a|b c` a `c` that does not follow `a` or `b`. Inside a
word: `_` a separator or nothing (`mail_box`), a final `*` more letters or digits (`reject*`), `#`
digits; `@` is an address. Between two words stand one to four characters that are no letter, digit
or sentence's end.

Keys make matching cheap: a text can match only if each word of the pattern that must be there is
among its words, so a table from words to patterns leaves a handful of regexes to try.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

SENTENCE_END = "\x1f"  # what domain.replies.text puts there: a dot is also in host names
GAP = rf"[^{SENTENCE_END}]{{0,60}}?"
SEPARATOR = rf"[^a-z0-9.{SENTENCE_END}]{{1,4}}"
BEGIN, END = r"(?<![a-z0-9])", r"(?![a-z0-9])"
STEM_MIN = 2  # letters of an open end; what is shorter says nothing about where to look
GAP_WORD = ".."
SHORT_NOT = "n't"  # ends a word: isn't, doesn't
_FIRST = re.compile(r"[a-z0-9]*")


@dataclass(frozen=True, slots=True)
class Keys:
    """Of a word of a pattern: words of the text that can be it, and beginnings of such words."""

    words: frozenset[str]
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A quoted wording. `keys`: of each word that must be there; empty: not of ASCII words."""

    text: str
    regex: re.Pattern[str]
    keys: tuple[Keys, ...]


@cache  # sets of rules that are compared share most of their patterns
def compiled(text: str) -> Pattern:
    """The pattern that `text` says. ValueError: no word of it must be there."""
    regex = expression(text)
    if not text.isascii():
        return Pattern(text, regex, ())
    must = [word for word in text.split() if word[0] not in "?!" and word != GAP_WORD]
    keys = tuple(
        found
        for found in map(_keys, must)
        if "" not in found.words and all(map(_is_telling, found.stems))
    )
    if not keys:
        raise ValueError(f"{text!r}: it has no word that must be there")
    return Pattern(text, regex, keys)


def _is_telling(stem: str) -> bool:
    return len(stem) >= STEM_MIN


def expression(text: str) -> re.Pattern[str]:
    """The regex of a pattern."""
    return re.compile(_regex(text.split()) if text.isascii() else _foreign(text))


def _foreign(text: str) -> str:
    """Scripts without spaces between words: parts in order, anywhere."""
    return GAP.join(
        "(?:" + "|".join(re.escape(part).replace("_", r"\s?") for part in word.split("|")) + ")"
        for word in text.split(" .. ")
    )


def _regex(words: list[str]) -> str:
    parts: list[str] = []
    joint = before = ""
    for word in words:
        if word == GAP_WORD:
            joint = GAP
        elif word[0] == "!":
            before = "".join(rf"(?<!{no}[^a-z0-9])" for no in word[1:].split("|"))
        elif word[0] == "?":
            parts.append(f"{joint}(?:{_word(word[1:])}{SEPARATOR})?")
            joint = ""
        else:
            parts.append(f"{joint}{before}{_word(word)}")
            joint, before = SEPARATOR, ""
    return "".join(parts).replace(f"{SEPARATOR}{GAP}", GAP)


def _word(word: str) -> str:
    plain = [one for one in word.split("|") if one != SHORT_NOT]
    alternatives = "|".join(map(_alternative, plain))
    negated = r"(?<=[a-z])n't|" if len(plain) < word.count("|") + 1 else ""
    return f"(?:{negated}{BEGIN}(?:{alternatives})){END}"


def _alternative(one: str) -> str:
    stem = one.removesuffix("*").replace("_", "\0").replace("#", "\1")
    quoted = re.escape(stem).replace("\0", "[^a-z0-9.]{0,3}").replace("\1", r"\d+")
    return quoted + ("[a-z0-9]*" if one.endswith("*") else "")


def _keys(word: str) -> Keys:
    words: set[str] = set()
    stems: set[str] = set()
    for one in word.split("|"):
        if one == SHORT_NOT:
            words.add("t")  # the end of don't, as words of a text are cut
            continue
        literal = re.split(r"[#*]", one)[0]
        whole, first = literal.replace("_", ""), literal.partition("_")[0]
        (words if literal == one else stems).add(_FIRST.match(whole)[0])  # type: ignore[index]
        if first != literal:
            words.add(_FIRST.match(first)[0])  # type: ignore[index]
    return Keys(frozenset(words), frozenset(stems))
