"""From a record to a lead: the address column, what addresses and fields are acceptable."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from adapters.message.text import field_name
from domain.lead import TAGS_MAX, read_tag
from domain.refusals import Invalid

ADDRESS_COLUMNS = (
    "email",
    "e_mail",
    "email_address",
    "e_mail_address",
    "mail",
    "address",
    "recipient",
)
FIELD_LENGTH_MAX = 2000
#: What nearly every address looks like; the rest goes to the slow, complete check.
PLAIN = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]",
    re.IGNORECASE,
)
LOCAL_LENGTH_MAX = 64  # RFC 5321 §4.5.3.1.1
ADDRESS_LENGTH_MAX = 254  # RFC 5321 §4.5.3.1.3, as path of 256 with its brackets
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029]")
#: A line break followed by what a mail header looks like: nobody's name.
INJECTION = re.compile(r"[\r\n]\s*[A-Za-z][A-Za-z0-9-]*\s*:")


class BadRow(ValueError):  # noqa: N818 - a finding about a row
    """A record that gives no lead; the text is the reason that the importer keeps."""


@dataclass(frozen=True)
class Header:
    """The columns of a file: where the address is, and the field name of each other column.

    A column without a name is no field: it holds tags, a status, or nothing of interest.
    """

    address_at: int
    names: tuple[str, ...]
    tags_at: tuple[int, ...] = ()
    status_at: int = -1


@dataclass(frozen=True)
class Lead:
    """An acceptable lead. `key` is equal for addresses that are the same mailbox."""

    address: str
    key: str
    domain: str
    fields: dict[str, str]
    tags: tuple[str, ...] = ()
    status: str = ""  # why never to mail it, in the words of domain/suppression.py; or replied


def read_header(values: Sequence[str]) -> Header:
    """Find the address column. Raises Invalid naming the columns found and the names understood."""
    names = tuple(field_name(value.lstrip("\ufeff")) for value in values)
    for wanted in ADDRESS_COLUMNS:
        if wanted in names:
            return Header(names.index(wanted), names)
    raise Invalid(
        f"no e-mail column among {', '.join(filter(None, names)) or 'no columns at all'}: "
        "name one of them email"
    )


def read_lead(header: Header, values: Sequence[str]) -> Lead:
    """The lead of a record. Raises BadRow with the reason."""
    if len(values) != len(header.names):
        raise BadRow(f"{len(values)} columns where the header has {len(header.names)}")
    address, domain = check_address(values[header.address_at].strip())
    fields = {
        name: check_value(name, value)
        for name, value in zip(header.names, values, strict=True)
        if name and value and name != header.names[header.address_at]
    }
    if not header.tags_at and header.status_at < 0:
        return Lead(address, address.lower(), domain, fields)
    tags = _tags([values[at] for at in header.tags_at])
    status = read_status(values[header.status_at]) if header.status_at >= 0 else ""
    return Lead(address, address.lower(), domain, fields, tags, status)


#: What other tools call the end of a lead, and what it means here.
STATUSES = {
    "unsubscribed": ("unsubscribe", "unsubscribed", "optedout", "optout", "donotcontact", "dnc"),
    "bounced": ("bounce", "bounced", "hardbounce", "hardbounced", "invalid", "undeliverable"),
    "complained": ("complaint", "complained", "spam", "spamcomplaint", "abuse", "blocked"),
    "replied": ("reply", "replied", "responded", "answered"),
}
_STATUS_OF = {word: status for status, words in STATUSES.items() for word in words}
_NO_LETTER = re.compile(r"[^a-z]")


def read_status(text: str) -> str:
    """What another tool's status means: a key of STATUSES, or nothing (active, contacted …)."""
    return _STATUS_OF.get(_NO_LETTER.sub("", text.lower()), "")


def _tags(cells: Sequence[str]) -> tuple[str, ...]:
    """The tags in cells, which may name several. Raises BadRow."""
    texts = (text for cell in cells for text in re.split(r"[,;|]", cell) if text.strip())
    try:
        found = tuple(dict.fromkeys(read_tag(text) for text in texts))
    except Invalid as bad:
        raise BadRow(str(bad)) from bad
    if len(found) > TAGS_MAX:
        raise BadRow(f"more than {TAGS_MAX} tags")
    return found


def check_address(text: str) -> tuple[str, str]:
    """The address as it will be used, and its domain (A-labels, lower case). Raises BadRow."""
    if not text:
        raise BadRow("no address")
    if PLAIN.fullmatch(text) and len(text) <= ADDRESS_LENGTH_MAX:
        local, _, domain = text.rpartition("@")
        if len(local) <= LOCAL_LENGTH_MAX:
            return f"{local}@{domain.lower()}", domain.lower()
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise BadRow(f"not an address: {error}") from error
    if not found.local_part.isascii():
        raise BadRow("not an address that every provider takes: letters outside ASCII before the @")
    return f"{found.local_part}@{found.ascii_domain}", found.ascii_domain


def check_value(name: str, value: str) -> str:
    """A merge value, line breaks as spaces. Raises BadRow for what no lead is called."""
    if value.isprintable() and len(value) <= FIELD_LENGTH_MAX:
        return value.strip()
    if INJECTION.search(value):
        raise BadRow(f"{name} holds a line break and a mail header")
    if CONTROL.search(value):
        raise BadRow(f"{name} holds control characters")
    if len(value) > FIELD_LENGTH_MAX:
        raise BadRow(f"{name} is longer than {FIELD_LENGTH_MAX} characters")
    return " ".join(value.split())
