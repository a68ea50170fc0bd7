"""Event types, each declared once: name, version, topic, key, fields, units, privacy.

Serialisation, routing, golden files, the catalog in `kafka/catalog/` and `docs/events.md` derive
from `REGISTRY`; nothing else lists event types.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import (
    Annotated,
    Any,
    ClassVar,
    TypeVar,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)


class Topic(StrEnum):
    """The topics, without prefix. `kafka/topics.toml` declares exactly these."""

    DECISIONS = "pm.decisions"
    REQUESTS = "pm.requests"
    DUE_HIGH = "pm.due.high"
    DUE_NORMAL = "pm.due.normal"
    DUE_LOW = "pm.due.low"
    ATTEMPTS = "pm.attempts"
    SIGNALS = "pm.signals"


DUE_TOPICS = (Topic.DUE_HIGH, Topic.DUE_NORMAL, Topic.DUE_LOW)


class Privacy(StrEnum):
    """What a field tells about a person."""

    PLAIN = "plain"  # nothing
    PSEUDONYM = "pseudonym"  # an id that only the contact vault can turn into a person
    PERSONAL = "personal"  # an address, a name, a text: refused in every event (I10)


@dataclass(frozen=True)
class Unit:
    """The unit of a number, for catalog and docs: `Annotated[int, Unit("messages")]`."""

    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """A fact. Subclasses are frozen dataclasses made by `event_type`."""

    event_type: ClassVar[EventType]


E = TypeVar("E", bound=Event)
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, eq=False)  # declared once, so each is equal to itself alone
class EventType:
    """One declaration. `upcasters[v]` turns the data of version v into that of version v + 1."""

    name: str
    version: int
    topics: tuple[Topic, ...]
    key: str
    cls: type[Event]
    upcasters: Mapping[int, Upcaster]

    @property
    def doc(self) -> str:
        return (self.cls.__doc__ or "").strip()


REGISTRY: dict[str, EventType] = {}


class DeclarationError(TypeError):
    """An event type that contradicts the rules of the registry."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event_type(
    name: str,
    *,
    topic: Topic | tuple[Topic, ...],
    key: str,
    version: int = 1,
    upcasters: Mapping[int, Upcaster] | None = None,
) -> Callable[[type[E]], type[E]]:
    """Declare a class as the event type `name`.

    The class becomes a frozen keyword-only dataclass and is filed in REGISTRY. Refused: a name used
    twice, a missing docstring, a key that is no field, a personal field, a gap in the upcasters.
    """

    def declare(cls: type[E]) -> type[E]:
        made = dataclass(frozen=True, kw_only=True, slots=True)(cls)
        topics = topic if isinstance(topic, tuple) else (topic,)
        declared = EventType(name, version, topics, key, made, dict(upcasters or {}))
        _check(declared)
        REGISTRY[name] = declared
        made.event_type = declared
        return made

    return declare


def _check(declared: EventType) -> None:
    if declared.name in REGISTRY:
        raise DeclarationError(f"event type {declared.name} is declared twice")
    if not declared.doc or declared.doc.startswith(declared.cls.__name__ + "("):
        raise DeclarationError(f"{declared.name} has no docstring")
    names = [field.name for field in dataclasses.fields(declared.cls)]
    if declared.key not in names:
        raise DeclarationError(f"{declared.name}: its key {declared.key} is not one of its fields")
    if set(declared.upcasters) != set(range(1, declared.version)):
        raise DeclarationError(f"{declared.name}: one upcaster for each version below it is needed")
    fields_of(declared.cls)


@dataclass(frozen=True)
class FieldInfo:
    """A field as catalog and docs show it."""

    name: str
    type: Any
    unit: str
    privacy: Privacy
    required: bool


def fields_of(cls: type[Event]) -> list[FieldInfo]:
    """The fields of an event type with unit and privacy.

    Raises DeclarationError on a personal one.
    """
    hints = get_type_hints(cls, include_extras=True)
    return [_field_info(cls, field, hints[field.name]) for field in dataclasses.fields(cls)]


def _field_info(cls: type[Event], field: dataclasses.Field[Any], hint: Any) -> FieldInfo:
    marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    bare = get_args(hint)[0] if marks else hint
    unit = next((mark.name for mark in marks if isinstance(mark, Unit)), "")
    privacy = next((mark for mark in marks if isinstance(mark, Privacy)), Privacy.PLAIN)
    if privacy is Privacy.PERSONAL:
        raise DeclarationError(f"{cls.__name__}.{field.name}: personal data never enters the log")
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    return FieldInfo(field.name, bare, unit, privacy, required)


@dataclass(frozen=True, kw_only=True)
class Meta:
    """What travels beside an event, in CloudEvents headers and in the event store's columns."""

    id: str
    time: datetime
    tenant_id: str
    actor: str = ""
    causation: str = ""
    correlation: str = ""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """An event with its envelope and, once read from Kafka, its place in the log."""

    event: Event
    meta: Meta
    topic: str = ""
    partition: int = -1
    offset: int = -1
    pos: int | None = None
