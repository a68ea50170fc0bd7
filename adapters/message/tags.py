"""The tags of a template: finding them, the two spellings of the brief, and what is not allowed.

The template language is Jinja's, narrowed: values are texts, so a mail needs no calls, parts,
macros or includes, and what is not there cannot be misused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from adapters.message.text import field_name
from domain.refusals import Invalid

TAG_CHARS_MAX = 1000  # a longer chain of concatenations takes quadratic time


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Filters of minijinja 3.1 that make a text, a number or a list of words from another.
FILTERS = _words("""
    abs bool capitalize count d default e escape first float format indent int join last length
    lines list lower max min replace reverse round slice sort split string sum title trim truncate
    unique upper urlencode
""")
# Known to minijinja and not for mails: they show the inside, or switch the escaping off.
FILTERS_REFUSED = _words("""
    attr batch center chain dictsort filesizeformat forceescape groupby items keys map pprint random
    reject rejectattr safe select selectattr striptags tojson urlize values wordcount wordwrap
    xmlattr zip
""")
TESTS = _words("""
    containing defined divisibleby endingwith eq equalto even false float ge greaterthan gt in
    integer le lessthan lower lt ne none number odd startingwith string true undefined upper
""")
OPENERS = _words("if for with set")
_STATEMENTS = OPENERS | _words("elif else endif endfor endwith endset")
_KEYWORDS = _STATEMENTS | _words("in not and or is recursive true false none True False None loop")
_FUNCTIONS = frozenset({"range"})

_TAG = re.compile(
    r"""
      (?P<raw>\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\})
    | (?P<comment>\{\#.*?\#\})
    | (?P<expression>\{\{(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^"'}]|\}(?!\}))*\}\})
    | (?P<statement>\{%(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^"'%]|%(?!\}))*%\})
    """,
    re.DOTALL | re.VERBOSE,
)
_TOKEN = re.compile(
    r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\W\d]\w*|\d[\w.]*|[=!<>]=|\*\*|//|\S|\s+""", re.DOTALL
)
_TRIMS = re.compile(r"\{[{%#][-+]|[-+][}%#]\}")
# The brief's `{{firstName|there}}`.
_FALLBACK = re.compile(r"\{\{\s*([^\W\d]\w*)\s*\|\s*([^|\"'\\{}()\n]+?)\s*\}\}")


class Kind(Enum):
    EXPRESSION = "expression"
    STATEMENT = "statement"
    COMMENT = "comment"
    RAW = "raw"


@dataclass(frozen=True)
class Tag:
    """One `{{ }}`, `{% %}`, `{# #}` or raw block with its source."""

    kind: Kind
    source: str
    line: int  # within its part, from 1

    @property
    def word(self) -> str:
        """A statement's first word."""
        found = re.match(r"\{%[-+]?\s*(\w*)", self.source)
        return found[1] if found and self.kind is Kind.STATEMENT else ""

    @property
    def trims(self) -> bool:
        """Whether it takes blanks away around itself."""
        return _TRIMS.search(self.source) is not None

    @property
    def literal(self) -> str:
        """What a raw block holds."""
        return self.source.partition("%}")[2].rpartition("{%")[0]


@dataclass(frozen=True)
class Use:
    """A variable that a tag names."""

    name: str
    has_default: bool
    line: int


def split(source: str) -> Iterator[str | Tag]:
    """Text and tags in turn. The source must have compiled."""
    end = 0
    line = 1
    for found in _TAG.finditer(source):
        if found.start() > end:
            yield source[end : found.start()]
        line += source.count("\n", end, found.start())
        yield Tag(Kind(found.lastgroup), found[0], line)
        line += found[0].count("\n")
        end = found.end()
    if end < len(source):
        yield source[end:]


def plain_spelling(source: str) -> str:
    """The source with `{{name|word}}` as a default and every name in snake case."""
    return _TAG.sub(_respelled, source)


def with_defaults(source: str) -> str:
    """The source with `{{name|several words}}`, which is no Jinja, as a default."""
    return _FALLBACK.sub(_defaulted, source)


def check(tag: Tag) -> None:
    """Refuse what a mail's template may not hold: Invalid, without the place."""
    if tag.kind in (Kind.COMMENT, Kind.RAW):
        return
    if tag.kind is Kind.STATEMENT and tag.word not in _STATEMENTS:
        raise Invalid(f"`{{% {tag.word} %}}` is not for mail templates")
    tokens = _tokens(tag)
    for before, word, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False):
        _check_token(before, word, after)


def uses(tag: Tag) -> Iterator[Use]:
    """The variables that a tag names; those that it binds itself are among them."""
    if tag.kind in (Kind.COMMENT, Kind.RAW):
        return
    tokens = _tokens(tag)
    for at, word in enumerate(tokens):
        before = tokens[at - 1] if at else ""
        after = tokens[at + 1 : at + 3]
        if _is_name(word) and before not in ("|", ".", "is") and "=" not in after[:1]:
            is_test = before == "not" and tokens[at - 2 : at - 1] == ["is"]
            if not is_test and word not in _FUNCTIONS:
                yield Use(word, after in (["|", "default"], ["|", "d"]), tag.line)


def _check_token(before: str, word: str, after: str) -> None:
    if before == "|" and word not in FILTERS:
        known = word in FILTERS_REFUSED
        raise Invalid(f"the filter `{word}` is {'not for mail templates' if known else 'unknown'}")
    if before == "is" and word not in TESTS | {"not"}:
        raise Invalid(f"the test `is {word}` is unknown")
    if word == "." and before != "loop":
        raise Invalid(f"`{before}.{after}`: fields are texts without parts; write a field's name")
    if word in ("{", "}"):
        raise Invalid("braces within a tag are not for mail templates")
    is_call = after == "(" and _is_name(word) and before not in ("|", "is", "not")
    if is_call and word not in _FUNCTIONS:
        raise Invalid(f"`{word}()` is not for mail templates")


def _is_name(word: str) -> bool:
    return word[:1].isidentifier() and word not in _KEYWORDS


def _tokens(tag: Tag) -> list[str]:
    inside = tag.source[2:-2].strip("-+")
    return [word for word in _TOKEN.findall(inside) if not word.isspace()]


def _respelled(found: re.Match[str]) -> str:
    if found.lastgroup in ("raw", "comment"):
        return found[0]
    fallback = _FALLBACK.fullmatch(found[0])
    if fallback and fallback[2] not in FILTERS | FILTERS_REFUSED:
        return _defaulted(fallback)
    inside = found[0][2:-2]
    return found[0][:2] + _TOKEN.sub(_respelled_token, inside) + found[0][-2:]


def _defaulted(found: re.Match[str]) -> str:
    if found[2] in FILTERS | FILTERS_REFUSED:
        return found[0]
    return f'{{{{ {field_name(found[1])} | default("{found[2]}") }}}}'


def _respelled_token(found: re.Match[str]) -> str:
    word = found[0]
    start = found.start()
    before = found.string[max(0, start - TAG_CHARS_MAX) : start].rstrip()[-1:]
    if not _is_name(word) or before in ("|", "."):
        return word
    return field_name(word)
