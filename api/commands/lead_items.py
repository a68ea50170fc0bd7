"""Items of an edit of leads: what may be asked, and what it comes to. Knows no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.contacts.lead_rows import BadRow, check_address, check_value
from adapters.message.text import field_name
from domain.lead import FIELD_NAME_LENGTH_MAX, FIELDS_MAX, TAGS_MAX, read_tag
from domain.refusals import Invalid, Outdated, Taken


@dataclass(frozen=True)
class Create:
    """A lead that is not there yet; into a list at once, if one is named."""

    address: str
    fields: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ()
    list_id: str = ""


@dataclass(frozen=True)
class Update:
    """Fields are set, or taken away by None; `tags` stand instead of those before.

    `version`: only if the lead still is what the asker looked at.
    """

    lead_id: str
    fields: Mapping[str, str | None] = field(default_factory=dict)
    tags: Sequence[str] | None = None
    add_tags: Sequence[str] = ()
    remove_tags: Sequence[str] = ()
    version: int | None = None


@dataclass(frozen=True)
class Delete:
    """The lead leaves its lists and the vault."""

    lead_id: str


Item = Create | Update | Delete


@dataclass
class New:
    """A lead about to be created, its place among the items."""

    at: int
    lead_id: str
    address: str
    key: str
    domain: str
    fields: dict[str, str]
    tags: list[str]
    list_id: str


@dataclass
class Changed:
    """A lead that is there, as it will be."""

    lead_id: str
    fields: dict[str, str]
    tags: list[str]


def read_new(at: int, lead_id: str, item: Create, keys: set[str]) -> New:
    """A lead as it will be kept; `keys` are those before it. Raises Invalid, Taken."""
    try:
        address, domain = check_address(item.address.strip())
    except BadRow as bad:
        raise Invalid(f"address: {bad}; correct it") from bad
    key = address.lower()
    if key in keys:
        raise Taken("address: named twice in one request; send it once")
    keys.add(key)
    set_fields = _fields({}, item.fields)
    return New(at, lead_id, address, key, domain, set_fields, _tags(item.tags), item.list_id)


def read_change(item: Update, fields: dict[str, str], version: int, tags: list[str]) -> Changed:
    """The lead after an update. Raises Invalid, Outdated."""
    if item.version is not None and item.version != version:
        raise Outdated("If-Match: the lead was changed since; look at it again")
    kept = _tags(tags if item.tags is None else item.tags)
    without = set(_tags(item.remove_tags))
    after = _tags([tag for tag in [*kept, *_tags(item.add_tags)] if tag not in without])
    return Changed(item.lead_id, _fields(fields, item.fields), after)


def _fields(before: Mapping[str, str], given: Mapping[str, str | None]) -> dict[str, str]:
    """Fields after a change. Raises Invalid."""
    after = dict(before)
    for title, value in given.items():
        name = field_name(title)
        if not 0 < len(name) <= FIELD_NAME_LENGTH_MAX or not name.isprintable():
            raise Invalid(
                f"fields: a name has 1 to {FIELD_NAME_LENGTH_MAX} letters or digits; rename it"
            )
        after.pop(name, None)
        if value:
            after[name] = _value(name, value)
    if len(after) > FIELDS_MAX:
        raise Invalid(f"fields: a lead has at most {FIELDS_MAX}; leave some out")
    return after


def _value(name: str, value: str) -> str:
    try:
        return check_value(name, value)
    except BadRow as bad:
        raise Invalid(f"fields: {bad}; correct it") from bad


def _tags(given: Sequence[str]) -> list[str]:
    found = sorted({read_tag(tag) for tag in given})
    if len(found) > TAGS_MAX:
        raise Invalid(f"tags: a lead has at most {TAGS_MAX}; leave some out")
    return found
