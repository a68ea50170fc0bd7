"""A reply's text made fit for matching: lower case, one line, without accents and addresses."""

from __future__ import annotations

import re
import unicodedata

from domain.replies.words import SENTENCE_END

LENGTH_MAX = 1000  # characters that are looked at; RFC 5321 §4.5.3.1.5 allows 512 a line

_ADDRESS = re.compile(r"<[^<>\s]*@[^<>\s]*>|<>|[^\s<>:;,\"'()\[\]]+@[^\s<>:,;\"')\]]+")
_IP = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
_IPV6 = re.compile(r"\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f:]*")
_LINK = re.compile(r"(?:https?:\s?//|www\.)[^\s\x1f]+")
_MULTI = re.compile(r"[\r\n]+(?:\d{3}(?:[- ]|\b))?(?:\d\.\d{1,3}\.\d{1,3} )?")
_AROUND = re.compile(r"(?:remote )?host \S* ?said: |\(in reply to [a-z ]{3,30}\)")
_BEFORE_REASON = re.compile(r"(?:recipient )?address(?:es)? rejected: (?=\w)")
_LATIN_END = 0x250
_FOLDED = str.maketrans(
    {
        chr(number): "".join(
            part for part in unicodedata.normalize("NFKD", chr(number)) if part.isascii()
        )
        or chr(number)
        for number in range(0xA0, _LATIN_END)
    }
    | {"ß": "ss", "ø": "o", "ł": "l", "\u0131": "i", "\u2019": "'", "\u2018": "'", "\u00a0": " "}
)


def folded(text: str) -> str:
    """In lower case, Latin letters without accents."""
    lower = text.lower()
    return lower if lower.isascii() else lower.translate(_FOLDED)


def masked(text: str) -> str:
    """One line in lower case; addresses are `@`, IP addresses `#`."""
    text = text[:LENGTH_MAX]
    if "\n" in text or "\r" in text:
        text = _MULTI.sub(" ", text)
    text = folded(text)
    if "@" in text or "<>" in text:
        text = _ADDRESS.sub("@", text)
    text = " ".join(text.split())
    if text.count(":") > 2:  # noqa: PLR2004 - as few as an IPv6 address has
        text = _IPV6.sub("#", text)
    return _IP.sub("#", text).replace(". ", "." + SENTENCE_END)


def words_of(text: str) -> str:
    """The words that tell the reason: no links, and not what servers put around every reason."""
    if "://" in text or "www." in text or ": //" in text:
        text = _LINK.sub(" ", text)
    if "said: " in text or "in reply to" in text:
        text = _AROUND.sub(" ", text)
    return _BEFORE_REASON.sub("recipient: ", text) if "rejected:" in text else text
