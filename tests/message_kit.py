"""Mails for tests: a compiled template, strict readers of what leaves, values that attack."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from hypothesis import strategies as st

from adapters.message.dkim import Signer
from adapters.message.skeleton import Skeleton, compile_message
from adapters.message.template_file import Content, parse_source

LAUNCHED_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SEND_ID = "snd_" + "q2" * 13
ID_KEY = b"a key for tests"
ADDRESS = "ada@example.org"
TRACKING_URL = "https://click.example.com"

HOSTILE = (
    "\r\nBcc: evil@x.example",
    "a\nSubject: other",
    "=?utf-8?q?hello=0D=0ABcc=3A_evil=40x.com?=",
    "=?utf-8?b?DQpCY2M6IGV2aWxAeC5jb20=?=",
    "=?us-ascii?q?=0A?= =?us-ascii?q?=0D?=",
    "nul\x00nul",
    "\u2028Bcc: evil@x.example\u2029",
    "\x85Bcc: evil@x.example",
    "\n.\n",
    "\r.\r",
    "\r\n.\r\n",
    "\r\n.\n",
    "\n.\r\n",
    ".\r\nMAIL FROM:<evil@x.example>",
    "\x00.\r\n",
    ".",
    "..",
    "From here",
    "👩‍👩‍👧‍👦 Zoë 🇳🇱",
    "\u202eevil\u202c שלום עולם",
    "x" * 5000,
    "ü" * 3000,
    "a b " * 700,
    "\ud800 half a pair",
    "\"quoted\" <a@b.c>, & 'more' /=%",
    "--=_pm",
    "   ",
    "",
)
hostile_text = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=60),
    st.lists(
        st.sampled_from(["\r", "\n", ".", "=", "?", "utf-8", "?q?", "?=", " ", "Bcc:", "a", "é"]),
        max_size=20,
    ).map("".join),
)


def content(body: str, *, subject: str = "Hi {{ first_name }}", text: str = "") -> Content:
    """A parsed template."""
    block = "".join(f"  {line}\n" for line in text.split("\n")) if text else ""
    front = f"subject: {subject}\n" + (f"text: |\n{block}" if text else "")
    return parse_source(f"---\n{front}---\n{body}", "letter.html")


def compiled(
    body: str = "<p>Hi {{ first_name }}</p>",
    *,
    subject: str = "Hi {{ first_name }}",
    text: str = "",
    signers: Sequence[Signer] = (),
    **changed: Any,
) -> Skeleton:
    """A skeleton with everything else as usual."""
    usual: dict[str, Any] = {
        "sender_address": "news@example.com",
        "sender_name": "Zoë from Example",
        "domain": "example.com",
        "campaign_id": "cmp_" + "a" * 26,
        "tenant_id": "ten_" + "b" * 26,
        "launched_at": LAUNCHED_AT,
        "tracking_url": TRACKING_URL,
        "id_key": ID_KEY,
        "message_class": "bulk",
    }
    found = content(body, subject=subject, text=text)
    return compile_message(found.body, signers=signers, **(usual | changed))


def parsed(wire: bytes) -> EmailMessage:
    """What the standard library reads."""
    return message_from_bytes(wire, policy=policy.default)


def part(wire: bytes, subtype: str) -> str:
    """A part's text, decoded without any smoothing over of line ends."""
    found = parsed(wire).get_body((subtype,))
    assert found is not None
    raw = found.get_payload(decode=True)
    assert isinstance(raw, bytes)
    return raw.decode()


def header_names(wire: bytes) -> list[str]:
    """Every header line's name, by the letter of RFC 5322: no library that might forgive."""
    head = wire.partition(b"\r\n\r\n")[0]
    lines = re.sub(rb"\r\n[ \t]", b" ", head).split(b"\r\n")
    return [line.partition(b":")[0].decode("ascii") for line in lines]


def ends_of_data(wire: bytes) -> int:
    """How often a server ends the mail, for any reading of `.` on a line of its own."""
    stream = b"\r\n" + wire + b".\r\n"
    strict = stream.count(b"\r\n.\r\n")
    loose = len(re.findall(rb"[\r\n]\.[\r\n]", stream))
    return max(strict, loose)


def assert_fit_for_wire(wire: bytes) -> None:
    """7-bit, CRLF only, lines in bounds, no line that dot-stuffing would change, one end."""
    assert wire.isascii()
    assert b"\x00" not in wire
    assert wire.endswith(b"\r\n")
    lines = wire[:-2].split(b"\r\n")
    assert not [line for line in lines if b"\r" in line or b"\n" in line]
    assert max(map(len, lines)) <= 998
    assert not [line for line in lines if line.startswith(b".")]
    body = wire.partition(b"\r\n\r\n")[2]
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert ends_of_data(wire) == 1
