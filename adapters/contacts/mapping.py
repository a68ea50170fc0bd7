"""Which column of a file is what: guessed from the header, or told by a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.contacts.csv_rows import COLUMNS_MAX
from adapters.contacts.lead_rows import ADDRESS_COLUMNS, Header
from adapters.message.text import field_name
from domain.lead import FIELD_NAME_LENGTH_MAX
from domain.refusals import Invalid

ADDRESS, FIELD, TAGS, STATUS, IGNORE = "address", "field", "tags", "status", "ignore"
ROLES = (ADDRESS, FIELD, TAGS, STATUS, IGNORE)
TAG_COLUMNS = ("tag", "tags", "label", "labels")
STATUS_COLUMNS = ("status", "lead_status", "email_status", "contact_status")


@dataclass(frozen=True)
class Column:
    """What one column of a file is; `name` is the merge field's."""

    to: str
    name: str = ""

    def as_json(self) -> dict[str, str]:
        return {"to": self.to} | ({"name": self.name} if self.to == FIELD else {})


def guess(titles: Sequence[str]) -> list[Column]:
    """What the columns are likely to be. None is the address when no title says so."""
    names = [field_name(title.lstrip("\ufeff")) for title in titles]
    address = next((names.index(name) for name in ADDRESS_COLUMNS if name in names), -1)
    return [
        Column(ADDRESS) if at == address else _guessed(name, names[:at])
        for at, name in enumerate(names)
    ]


def _guessed(name: str, before: Sequence[str]) -> Column:
    if name in TAG_COLUMNS:
        return Column(TAGS)
    if name in STATUS_COLUMNS and not set(STATUS_COLUMNS).intersection(before):
        return Column(STATUS)
    if not name or len(name) > FIELD_NAME_LENGTH_MAX or name in before:
        return Column(IGNORE)
    return Column(FIELD, name)


def read(given: Sequence[Any]) -> list[Column]:
    """A mapping from JSON, as it was kept."""
    return [Column(one["to"], one.get("name", "")) for one in given]


def header(columns: Sequence[Column], width: int) -> Header:
    """What the importer needs of a mapping. Raises Invalid naming the column and the cure."""
    if len(columns) != width:
        raise Invalid(f"columns: {len(columns)} are mapped and the file has {width}; map each one")
    if width > COLUMNS_MAX:
        raise Invalid(f"columns: {width} columns are too many: at most {COLUMNS_MAX}")
    names = [field_name(column.name) if column.to == FIELD else "" for column in columns]
    for at, column in enumerate(columns):
        if column.to == FIELD and not 0 < len(names[at]) <= FIELD_NAME_LENGTH_MAX:
            raise Invalid(
                f"columns[{at}].name: a field has 1 to {FIELD_NAME_LENGTH_MAX} letters or digits;"
                " name it, or ignore the column"
            )
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise Invalid(f"columns: two are the field {', '.join(twice)}; rename or ignore one")
    addresses = _places(columns, ADDRESS)
    if len(addresses) != 1:
        raise Invalid("columns: one of them has to be the address; map exactly one to address")
    status = _places(columns, STATUS)
    if len(status) > 1:
        raise Invalid("columns: at most one is the status; ignore the others")
    return Header(addresses[0], tuple(names), tuple(_places(columns, TAGS)), *status)


def _places(columns: Sequence[Column], role: str) -> list[int]:
    return [at for at, column in enumerate(columns) if column.to == role]
