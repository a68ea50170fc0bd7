"""A template's source taken apart: constants, simple variables, blocks that need the engine."""

from __future__ import annotations

import re
from dataclasses import dataclass

from adapters.message import tags
from adapters.message.tags import Kind, Tag

_SIMPLE = re.compile(
    r"\{\{\s*([^\W\d]\w*)\s*"
    r"(?:\|\s*(?:default|d)\s*\(\s*(?:\"([^\"\\]*)\"|'([^'\\]*)')\s*\)\s*)?\}\}"
)
_NOT_VARIABLES = frozenset({"true", "false", "none", "True", "False", "None", "loop", "range"})


@dataclass(frozen=True)
class Value:
    """A variable alone; `default` stands where the recipient has no such field, or a blank one."""

    name: str
    default: str


@dataclass(frozen=True)
class Block:
    """Source with conditions, loops or expressions, rendered by the engine for each recipient."""

    source: str


Piece = str | Value | Block


def pieces(source: str) -> list[Piece]:
    """The parts of a checked source; neighbouring constants are one. Nothing is escaped yet."""
    parts = list(tags.split(source))
    if any(_reaches_out(part) for part in parts):
        return [Block(source)]
    found: list[Piece] = []
    open_block: list[str] = []
    depth = 0
    for part in parts:
        depth += _opens(part)
        if depth or open_block:
            open_block.append(_source(part))
            if not depth:
                found.append(Block("".join(open_block)))
                open_block = []
        else:
            _append(found, _piece(part))
    return found


def _reaches_out(part: str | Tag) -> bool:
    """Whether a tag changes what is outside its own block: blanks around it, or a variable."""
    return isinstance(part, Tag) and (part.trims or part.word in ("set", "endset"))


def _opens(part: str | Tag) -> int:
    if not isinstance(part, Tag):
        return 0
    return (part.word in tags.OPENERS) - part.word.startswith("end")


def _source(part: str | Tag) -> str:
    return part.source if isinstance(part, Tag) else part


def _piece(part: str | Tag) -> Piece:
    if not isinstance(part, Tag):
        return part
    if part.kind is Kind.COMMENT:
        return ""
    if part.kind is Kind.RAW:
        return part.literal
    simple = _SIMPLE.fullmatch(part.source)
    if simple is None or simple[1] in _NOT_VARIABLES:
        return Block(part.source)
    return Value(simple[1], simple[2] or simple[3] or "")


def _append(found: list[Piece], piece: Piece) -> None:
    if isinstance(piece, str) and found and isinstance(found[-1], str):
        found[-1] += piece
    elif piece != "":
        found.append(piece)
