"""Header fields that nobody can inject into, each with its canonical form for signing.

A field is a pair: its wire form ending in CRLF, and its `relaxed` canonical form (RFC 6376 §3.4.2).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import NamedTuple

import idna

from adapters.message.text import clean_value
from domain.refusals import Invalid

SUBJECT_CHARS_MAX = 900  # one line holds 998 octets (RFC 5322 §2.1.1)
NAME_CHARS_MAX = 200
_LINE_MAX = 76
_LOCAL_MAX, _DOMAIN_MAX, _ADDRESS_MAX = 64, 253, 254  # RFC 5321 §4.5.3.1
# Octets that become 52 characters of base64: `Subject: =?utf-8?b?…?=` then has 73.
_WORD_OCTETS = 39

_ATOM = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+{_LABEL})")
# What most are; with at most 64 characters in all, no part can be too long.
_ADDRESS_QUICK = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9]+(?:-+[a-z0-9]+)*\.)+[a-z]{2,63}"
)
_BLANKS = re.compile(r"\s+")


class Field(NamedTuple):
    """One header field: as it leaves, and as it is signed. Both end in CRLF."""

    wire: bytes
    canonical: bytes


def header_text(text: str) -> str:
    """One line of text with single blanks in which nothing can pass for an encoded word.

    A value that is itself an encoded word may decode to line breaks; some software decodes twice.
    """
    return _BLANKS.sub(" ", clean_value(text)).replace("=?", "= ?")


def field(name: str, value: str) -> Field:
    """A field of well-formed printable ASCII; CRLF and a blank may fold it."""
    flat = value.replace("\r\n ", " ")
    return Field(
        f"{name}: {value}\r\n".encode("ascii"), f"{name.lower()}:{flat}\r\n".encode("ascii")
    )


def subject(text: str) -> Field:
    """The Subject field of any text, encoded where needed (RFC 2047), cut at 900 characters."""
    flat = text if _is_plain(text) else header_text(text)[:SUBJECT_CHARS_MAX].strip()
    if flat.isascii() and len(flat) <= _LINE_MAX - len("Subject: "):
        raw = flat.encode()
        return Field(b"Subject: %b\r\n" % raw, b"subject:%b\r\n" % raw)
    words = flat.split(" ")
    if flat.isascii() and max(map(len, words)) < _LINE_MAX - len("Subject: "):
        return field("Subject", "\r\n ".join(_filled(words, len("Subject: "))))
    return field("Subject", "\r\n ".join(_encoded_words(flat)))


def sender(name: str, address: str) -> Field:
    """The From field: display name and address. Refused when either cannot stand there."""
    flat = header_text(name)
    if len(flat) > NAME_CHARS_MAX:
        raise Invalid(f"the sender's name is longer than {NAME_CHARS_MAX} characters: shorten it")
    if not flat:
        return field("From", address)
    if flat.isascii() and len(flat) <= _LINE_MAX - len('From: ""'):
        shown = '"' + flat.replace("\\", "\\\\").replace('"', '\\"') + '"'
    else:
        shown = "\r\n ".join(_encoded_words(flat))
    return field("From", f"{shown}\r\n <{address}>")


def address_of(text: str) -> str:
    """The address as SMTP takes it: the domain as A-labels, lower case. Invalid says what is wrong.

    Quoted local parts, domain literals and non-ASCII local parts (SMTPUTF8) are refused.
    """
    if _ADDRESS_QUICK.fullmatch(text) and len(text) <= _LOCAL_MAX:
        return text
    local, at, domain = text.rpartition("@")
    if not at or not local:
        raise Invalid("the address has no @ with something before it")
    if not local.isascii():
        raise Invalid("the address has non-ASCII characters before the @ (SMTPUTF8), not supported")
    found = _ADDRESS.fullmatch(f"{local}@{domain_of(domain)}")
    if found is None or "=?" in local:
        raise Invalid("the address has characters before the @ that mail does not take")
    if len(local) > _LOCAL_MAX or len(found[0]) > _ADDRESS_MAX:
        raise Invalid("the address is too long")
    return found[0]


def domain_of(text: str) -> str:
    """A domain name as A-labels, lower case. Invalid when it is none."""
    try:
        name = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode()
    except idna.IDNAError as error:
        raise Invalid("the domain is not a valid internationalised name") from error
    if len(name) > _DOMAIN_MAX or not _ADDRESS.fullmatch(f"x@{name}"):
        raise Invalid("the domain is not a valid name")
    return name


def _is_plain(text: str) -> bool:
    """Whether `header_text` would change nothing; quick."""
    is_line = text.isascii() and text.isprintable() and len(text) <= SUBJECT_CHARS_MAX
    return is_line and "  " not in text and "=?" not in text and text.strip() == text


def _encoded_words(text: str) -> list[str]:
    return [f"=?utf-8?b?{b64encode(chunk).decode()}?=" for chunk in _chunks(text)]


def _chunks(text: str) -> Iterator[bytes]:
    """The text's UTF-8 in pieces that end between characters (RFC 2047 §5)."""
    chunk = b""
    for character in text:
        raw = character.encode()
        if len(chunk) + len(raw) > _WORD_OCTETS:
            yield chunk
            chunk = b""
        chunk += raw
    yield chunk


def _filled(words: list[str], used: int) -> Iterator[str]:
    """The words in lines of at most 76 characters, the first shorter by what is used already."""
    line = words[0]
    room = _LINE_MAX - used
    for word in words[1:]:
        if len(line) + 1 + len(word) > room:
            yield line
            line, room = word, _LINE_MAX - 1
        else:
            line = f"{line} {word}"
    yield line
