"""What may stand in a mail: field names in one spelling, values without control characters."""

from __future__ import annotations

import re
from functools import lru_cache

# A longer merge value is cut here: it is nobody's name, and a template could multiply it.
VALUE_CHARS_MAX = 10_000

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_WORD = re.compile(r"\W+")
_BREAK = re.compile(r"\r\n|[\r\x85\u2028\u2029\v\f]")
# C0 except tab and line feed, DEL, C1; halves of surrogate pairs, which no encoding can carry.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@lru_cache(maxsize=10_000)
def field_name(name: str) -> str:
    """`firstName`, `First Name` and `first_name` are one field: snake case."""
    return _NOT_WORD.sub("_", _HUMP.sub("_", name.strip())).strip("_").lower()


def clean_text(text: str) -> str:
    """Line ends as line feeds, no other control characters."""
    return _CONTROL.sub("", _BREAK.sub("\n", text))


def clean_value(value: str) -> str:
    """A merge value on one line, without control characters; empty when only blanks are left."""
    if value.isprintable() and len(value) <= VALUE_CHARS_MAX:
        return value.strip()
    flat = clean_text(value[:VALUE_CHARS_MAX]).replace("\n", " ").replace("\t", " ")
    return flat.strip()
