"""DNS records that a tenant's sending domain needs, and whether they are there.

Which and why: reference/deliverability.md §5. The envelope domain is `bounce.<domain>`, so no SPF
include is asked for on the organisational domain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

TXT_STRING_MAX = 255
#: What is told of keys that do not sign, by state.
OTHER_KEYS = {
    "pending": ": the next key; publish it, then activate it",
    "retiring": ": the key before; leave it until it is retired, mail that it signed is on its way",
}


class RecordReader(Protocol):
    """What the check asks of DNS. Raises its own error when nobody answers."""

    async def txt(self, name: str) -> list[str]: ...

    async def records(self, name: str, kind: str) -> list[str]: ...


@dataclass(frozen=True)
class DnsRecord:
    """One record to publish. `value` of a TXT is unquoted; of an MX it is "10 host"."""

    name: str
    kind: str
    value: str
    purpose: str
    needed: bool = True  # for the domain to be verified

    @property
    def title(self) -> str:
        """What it is called where it is missing."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Look:
    """What DNS says where a record is wanted: nothing, something else, or the record."""

    record: DnsRecord
    found: tuple[str, ...]  # values of the name and type
    is_there: bool

    @property
    def state(self) -> str:
        """verified, differs or missing."""
        return "verified" if self.is_there else "differs" if self.found else "missing"


def expected_records(
    domain: str,
    token: str,
    keys: Mapping[str, tuple[str, str, str]],
    bounce_host: str,
    reports_to: str = "",
) -> list[DnsRecord]:
    """What the owner of a domain publishes. `keys`: selector → algorithm, public key, state.

    `bounce_host` takes bounces; `reports_to` is the address for DMARC's reports, or empty.
    """
    report = f"; rua=mailto:{reports_to}" if reports_to else ""
    dkim = [_dkim(domain, selector, *key) for selector, key in sorted(keys.items())]
    return [
        DnsRecord(f"_pm.{domain}", "TXT", f"pm-verification={token}", "that the domain is yours"),
        *dkim,
        DnsRecord(f"bounce.{domain}", "MX", f"10 {bounce_host}", "where bounces go"),
        DnsRecord(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=none{report}", "DMARC (RFC 7489)"),
    ]


def _dkim(domain: str, selector: str, algorithm: str, public_key: str, state: str) -> DnsRecord:
    """The record of a key that signs is needed; that of the next and of the one before is not."""
    purpose = f"DKIM, {algorithm}{OTHER_KEYS.get(state, '')}"
    value = dkim_value(algorithm, public_key)
    return DnsRecord(dkim_name(domain, selector), "TXT", value, purpose, state not in OTHER_KEYS)


def dkim_name(domain: str, selector: str) -> str:
    """Where the key of a selector is published (RFC 6376 §3.6.2.1)."""
    return f"{selector}._domainkey.{domain}"


def dkim_value(algorithm: str, public_key: str) -> str:
    """The TXT value of a DKIM key, base64 (RFC 6376 §3.6.1, RFC 8463)."""
    return f"v=DKIM1; k={algorithm}; p={public_key}"


def txt_strings(value: str) -> list[str]:
    """A TXT record's text in strings of at most 255 octets (RFC 1035 §3.3); readers join them."""
    return [value[at : at + TXT_STRING_MAX] for at in range(0, max(len(value), 1), TXT_STRING_MAX)]


async def look(resolver: RecordReader, expected: Sequence[DnsRecord]) -> list[Look]:
    """What DNS says about each record; one that is there but says else is not there."""
    return [await _look(resolver, record) for record in expected]


async def _look(resolver: RecordReader, record: DnsRecord) -> Look:
    if record.kind == "TXT":
        found = await resolver.txt(record.name)
        return Look(record, tuple(found), any(_says(text, record.value) for text in found))
    host = record.value.split()[-1].rstrip(".").lower()
    found = await resolver.records(record.name, record.kind)
    if host not in found:
        found = [*found, *await resolver.records(record.name, "CNAME")]
    return Look(record, tuple(found), host in found)


def _says(found: str, wanted: str) -> bool:
    """Whether a TXT record says what is wanted; of DMARC any valid policy will do."""
    have, want = _tags(found), _tags(wanted)
    if want.get("v") == "DMARC1":
        return found.startswith("v=DMARC1") and have.get("p") in {"none", "quarantine", "reject"}
    if want.get("v") == "DKIM1":
        same_key = have.get("p") == want["p"] != ""
        return same_key and have.get("k", "rsa") == want["k"] and have.get("v", "DKIM1") == "DKIM1"
    return found.strip() == wanted


def _tags(text: str) -> dict[str, str]:
    """A tag list (RFC 6376 §3.2), white space dropped."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs if name.strip()}
