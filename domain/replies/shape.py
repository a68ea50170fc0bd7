"""What may be kept of a reply that no rule knows: its wording, without all that is personal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from domain.replies.text import folded, masked, words_of
from domain.replies.words import SENTENCE_END

LENGTH_MAX = 300
PIECE_MIN = 3  # letters of a name or local part; shorter ones are words like "de"

#: What stands in quotes or brackets, has digits or dots inside, or is too long to be a word.
_SPECIFIC = re.compile(
    r"\"[^\"]*\"|'[^']*'(?!\w)|\([^()]*@[^()]*\)|<[^<>]*>|\[[^\[\]]*\]"
    r"|\S*[\w-]\.[\w-]\S*|\S*\d\S*|\w{25,}"
)
_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_PIECES = re.compile(r"[^\W\d_]+")


def shape(text: str, personal: Iterable[str] = ()) -> str:
    """A reply's wording. `personal`: what is known of the recipient; no piece of it is kept."""
    words = words_of(masked(text)).replace(SENTENCE_END, " ")
    words = _SPECIFIC.sub("~", _STATUS.sub(" ", words))
    for piece in sorted(_pieces(personal), key=len, reverse=True):
        words = words.replace(piece, "~")
    return " ".join(words.split())[:LENGTH_MAX]


def _pieces(personal: Iterable[str]) -> set[str]:
    return {
        piece
        for value in personal
        for piece in _PIECES.findall(folded(value))
        if len(piece) >= PIECE_MIN or not piece.isascii()
    }
