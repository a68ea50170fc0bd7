"""A mail compiled for one campaign: all that is the same for every recipient is bytes already.

For a recipient only slots are filled, by joins. What leaves is 7-bit, has CRLF lines of at most 998
octets, and no line that starts with a dot: stuffing changes nothing, so it is signed as it leaves.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import format_datetime

from adapters.message import dkim, headers, markup, tokens
from adapters.message.dkim import Signer, Stamp
from adapters.message.headers import Field
from adapters.message.merge import Flavour, Merge, Need, with_links
from adapters.message.pieces import Block, Piece, Value, pieces
from adapters.message.quoted_printable import SOFT_BREAK, quoted
from adapters.message.signing import Signing, Unsigned
from adapters.message.signing_pool import SigningPool
from adapters.message.slots import Slots
from domain.ports import Addressee, Message
from domain.refusals import Invalid

# Gmail's feedback loop sums complaints by the last part, 5-15 characters, the same on all our mail.
FEEDBACK_SENDER = "penguinmails"
_TRACKING_URL = re.compile(r"https?://[\w.:\[\]-]+(?:/[\w./~-]*)?", re.ASCII)


@dataclass(frozen=True)
class _Parts:
    """The three texts of a mail, taken apart."""

    subject: list[Piece]
    text: list[Piece]
    html: list[Piece]

    def needs(self) -> Iterable[Need]:
        for found, flavour in (
            (self.subject, Flavour.HEADER),
            (self.text, Flavour.TEXT),
            (self.html, Flavour.HTML),
        ):
            for piece in found:
                if isinstance(piece, Value | Block):
                    yield piece, flavour


@dataclass(frozen=True)
class _Envelope:
    """The header: fixed fields, then those of the recipient as `%` patterns, wire and canonical."""

    wire: bytes
    canonical: bytes
    names: tuple[str, ...]
    has_unsubscribe: bool


class Skeleton:
    """Renders one campaign's mail (domain.ports.Renderer). Rendering again gives the same bytes."""

    def __init__(
        self,
        *,
        parts: _Parts,
        links: Sequence[str],
        envelope: _Envelope,
        boundary: str,
        domain: str,
        tracking_url: str,
        id_key: bytes,
        signing: Signing,
    ) -> None:
        self.links = tuple(links)  # where link n leads: links[n - 1]
        self._tokens = tokens.Tokens(id_key)
        self._domain = domain
        self._envelope = envelope
        self._signing = signing
        self._merge = Merge(parts.needs(), tracking_url)
        self._body = Slots(_body(parts, self._merge, boundary), self._merge.size)
        self._subject = Slots(_subject(parts.subject, self._merge), self._merge.size)
        self._fixed_subject = None if self._subject.varies else self._subject_field(())
        self._fixed_hash = b"" if self._body.varies else dkim.body_hash(self._body.fill(()))

    @property
    def ahead(self) -> int:
        """How many addressees `stamps` takes at a time; 0: `render` signs."""
        return self._signing.ahead

    async def stamps(self, addressees: Sequence[Addressee]) -> dict[int, bytes]:
        """Signature fields by index, made in other processes; `render` signs what is left out."""
        unsigned: dict[int, Unsigned] = {}
        for one in addressees:
            with suppress(Exception):  # `render` meets it again, and says what is wrong
                unsigned[one.index] = self._unsigned(one)
        return await self._signing.fields_of(unsigned)

    def _unsigned(self, addressee: Addressee) -> Unsigned:
        recipient = headers.address_of(addressee.address)
        token = self._tokens.make(addressee.send_id)
        values = self._merge.values(token, recipient, addressee.fields)
        canonical = self._head(addressee.send_id, token, recipient, values).canonical
        return self._signing.unsigned(canonical, self._hash(self._body.fill(values)))

    def render(
        self,
        index: int,
        send_id: str,
        address: str,
        fields: Mapping[str, str],
        stamp: bytes = b"",
    ) -> Message:
        """One recipient's mail, with the `stamp` that `stamps` made for it, else signed here.

        Invalid: a bad address, or a block that needs too much fuel.
        """
        recipient = headers.address_of(address)
        token = self._tokens.make(send_id)
        values = self._merge.values(token, recipient, fields)
        body = self._body.fill(values)
        head = self._head(send_id, token, recipient, values)
        if self._signing and not stamp:
            stamp = self._signing.fields(head.canonical, self._hash(body))
        mail_from = tokens.return_path(token, self._domain)
        return Message(index, mail_from, recipient, b"%b%b\r\n%b" % (stamp, head.wire, body))

    def _head(self, send_id: str, token: str, recipient: str, values: tuple[bytes, ...]) -> Field:
        subject = self._fixed_subject or self._subject_field(values)
        to, message_id = recipient.encode(), send_id[4:].encode()
        more = (token.encode(),) * 2 if self._envelope.has_unsubscribe else ()
        wire = self._envelope.wire % (to, subject.wire, message_id, *more)
        if not self._signing:
            return Field(wire, b"")
        return Field(wire, self._envelope.canonical % (to, subject.canonical, message_id, *more))

    def _subject_field(self, values: tuple[bytes, ...]) -> Field:
        return headers.subject(self._subject.fill(values).decode())

    def _hash(self, body: bytes) -> bytes:
        return self._fixed_hash or dkim.body_hash(body)


def compile_message(  # noqa: PLR0913 - what makes one campaign's mail different from another's
    content: Mapping[str, str],
    *,
    sender_address: str,
    sender_name: str,
    domain: str,
    campaign_id: str,
    tenant_id: str,
    launched_at: datetime,
    tracking_url: str,
    id_key: bytes,
    message_class: str,
    signers: Sequence[Signer],
    pool: SigningPool | None = None,
) -> Skeleton:
    """Compile stored content (`Content.body`) for a campaign. Equal arguments, equal mails.

    With a `pool` they can be signed ahead, which changes no byte of them.

    Date, Message-ID, boundary and signature times come from the arguments, so that every attempt of
    a send has the same bytes. Invalid when something cannot stand in a mail.
    """
    tracking_url = _checked_url(tracking_url)
    domain = headers.domain_of(domain)
    tracked = markup.tracked(content["html"], content.get("preheader", ""), tracking_url)
    parts = _Parts(
        subject=with_links(pieces(content["subject"]), tracking_url),
        text=with_links(pieces(content["text"]), tracking_url),
        html=with_links(pieces(tracked.html), tracking_url),
    )
    boundary = _boundary(campaign_id, content)
    fixed = _fixed_fields(
        sender=headers.sender(sender_name, headers.address_of(sender_address)),
        launched_at=launched_at,
        boundary=boundary,
        feedback_id=f"{campaign_id}:{tenant_id}:{message_class}:{FEEDBACK_SENDER}",
    )
    unsubscribe = _unsubscribe_fields(tracking_url, domain) if message_class == "bulk" else []
    envelope = _envelope(fixed, unsubscribe, domain)
    return Skeleton(
        parts=parts,
        links=tracked.links,
        envelope=envelope,
        boundary=boundary,
        domain=domain,
        tracking_url=tracking_url,
        id_key=id_key,
        signing=Signing([Stamp(one, envelope.names, launched_at) for one in signers], pool),
    )


def shown(message: Message) -> tuple[str, str, str]:
    """A rendered mail as people see it: subject, html, text."""
    found = message_from_bytes(message.wire, policy=policy.default)
    html, text = found.get_body(("html",)), found.get_body(("plain",))
    if html is None or text is None:
        raise ValueError("not a mail of ours")
    return str(found["Subject"]), html.get_content(), text.get_content()


def _body(parts: _Parts, merge: Merge, boundary: str) -> list[bytes | int]:
    found: list[bytes | int] = []
    for subtype, flavour, part in (
        ("plain", Flavour.TEXT, parts.text),
        ("html", Flavour.HTML, parts.html),
    ):
        head = (
            f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        )
        found += [head.encode(), *_encoded(part, flavour, merge), b"\r\n"]
    return [*found, f"--{boundary}--\r\n".encode()]


def _encoded(part: Sequence[Piece], flavour: Flavour, merge: Merge) -> Iterable[bytes | int]:
    """Each piece on lines of its own, ended by soft breaks where a slot begins or ends."""
    for at, piece in enumerate(part):
        if not isinstance(piece, str):
            yield merge.index((piece, flavour))
            yield SOFT_BREAK
            continue
        constant = quoted(piece)
        yield constant
        if at + 1 < len(part) and not constant.endswith(b"\r\n"):
            yield SOFT_BREAK


def _subject(part: Sequence[Piece], merge: Merge) -> list[bytes | int]:
    return [
        piece.encode() if isinstance(piece, str) else merge.index((piece, Flavour.HEADER))
        for piece in part
    ]


def _fixed_fields(
    *, sender: Field, launched_at: datetime, boundary: str, feedback_id: str
) -> list[Field]:
    date = format_datetime(launched_at.astimezone(UTC))
    return [
        sender,
        headers.field("Date", date),
        headers.field("MIME-Version", "1.0"),
        headers.field("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'),
        headers.field("Feedback-ID", feedback_id),
    ]


def _unsubscribe_fields(tracking_url: str, domain: str) -> list[Field]:
    """One-click unsubscribing (RFC 8058); `%b` where the token stands."""
    url = tokens.unsubscribe_url(tracking_url, "%b")
    mailto = f"mailto:{tokens.unsubscribe_address('%b', domain)}"
    return [
        headers.field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        headers.field("List-Unsubscribe", f"<{url}>,\r\n <{mailto}>"),
    ]


def _envelope(fixed: list[Field], unsubscribe: list[Field], domain: str) -> _Envelope:
    wire, canonical = (b"".join(one).replace(b"%", b"%%") for one in zip(*fixed, strict=True))
    own = [
        headers.field("To", "%b"),
        Field(b"%b", b"%b"),  # the whole Subject field
        headers.field("Message-ID", f"<%b@{domain}>"),
        *unsubscribe,
    ]
    own_wire, own_canonical = (b"".join(one) for one in zip(*own, strict=True))
    names = [one.canonical.partition(b":")[0].decode() for one in fixed + own]
    return _Envelope(
        wire=wire + own_wire,
        canonical=canonical + own_canonical,
        names=tuple("subject" if name == "%b" else name for name in names),
        has_unsubscribe=bool(unsubscribe),
    )


def _boundary(campaign_id: str, content: Mapping[str, str]) -> str:
    """`=_` cannot occur in quoted-printable, so no text of anyone's can end a part."""
    text = "\0".join([campaign_id, content["html"], content["text"]])
    return f"=_pm{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"


def _checked_url(text: str) -> str:
    if not _TRACKING_URL.fullmatch(text):
        raise Invalid(f"the tracking URL {text!r:.80} is no http(s) URL: set PM_TRACKING_URL")
    return text.rstrip("/")
