"""A domain's DNS records in plain words: what to publish, what was seen, what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adapters.sending_records import DnsRecord, Look, txt_strings

TTL_S = 3600
Row = Mapping[str, Any]


def described(records: Iterable[DnsRecord], looks: Sequence[Row]) -> list[dict[str, Any]]:
    """Each record with what the last look at it found; `looks` are rows of vault.domain_look."""
    last = {(row["kind"], row["name"]): row for row in looks}
    return [_described(record, last.get((record.kind, record.name))) for record in records]


def rows_of(looks: Iterable[Look]) -> list[Row]:
    """A look that was just made, as its rows will be."""
    return [
        {
            "kind": look.record.kind,
            "name": look.record.name,
            "wanted": look.record.value,
            "found": look.found,
            "state": look.state,
            "looked_at": None,
        }
        for look in looks
    ]


def _described(record: DnsRecord, look: Row | None) -> dict[str, Any]:
    if look is None or look["wanted"] != record.value:
        look = {"state": "unknown", "found": [], "looked_at": None}
    return {
        "type": record.kind,
        "name": record.name,
        "value": record.value,
        "purpose": record.purpose,
        "needed": record.needed,
        "line": zone_line(record),
        "state": look["state"],
        "found": list(look["found"]),
        "error": _error(record, look["state"]),
        "looked_at": look["looked_at"],
    }


def zone_line(record: DnsRecord) -> str:
    """The record as a line of a zone file, ready to be copied."""
    value = f"{record.value}."
    if record.kind == "TXT":
        value = " ".join(f'"{part}"' for part in txt_strings(record.value))
    return f"{record.name}. {TTL_S} IN {record.kind} {value}"


def _error(record: DnsRecord, state: str) -> str:
    match state:
        case "verified":
            return ""
        case "missing":
            where = f"there is no {record.kind} record at {record.name} yet"
            return f"{where}; publish it, then check again"
        case "differs":
            other = f"the {record.kind} record at {record.name} says something else"
            return f"{other}: see `found`; replace it by `value`, then check again"
        case _:
            return "nobody has looked yet; publish it, then check the domain"
