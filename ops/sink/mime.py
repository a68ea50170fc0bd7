"""A received message taken apart for the inbox page."""

from __future__ import annotations

from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from ops.sink.received import Mail


@dataclass(frozen=True)
class Shown:
    """What the page shows of a message. Texts are empty where the message has no such part."""

    headers: list[tuple[str, str]]
    text: str
    html: str
    raw: str


def subject_of(mail: Mail) -> str:
    """The decoded subject; only the header is read."""
    end = mail.wire.find(b"\r\n\r\n")
    parsed = BytesParser(policy=policy.default).parsebytes(mail.wire[: end + 2], headersonly=True)
    return str(parsed.get("subject", ""))


def shown(mail: Mail) -> Shown:
    """The whole message, decoded. Broken parts show as they are, they raise nothing."""
    content = mail.content
    parsed = BytesParser(policy=policy.default).parsebytes(content)
    return Shown(
        headers=[(name, str(value)) for name, value in parsed.items()],
        text=_part(parsed, "plain"),
        html=_part(parsed, "html"),
        raw=content.decode(errors="replace"),
    )


def _part(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # a charset that is none
        return str(part.get_payload())
