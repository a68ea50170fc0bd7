"""Events ↔ bytes and CloudEvents headers (binary mode), derived from the registry.

The value is the event's fields as plain JSON. The headers carry type, version, id, time, tenant,
subject, actor, causation, correlation and, through the relay, `pos`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints, is_typeddict

import orjson

import domain.catalog  # noqa: F401 - fills the registry
from domain.event import REGISTRY, Event, EventType, Meta, Recorded

Headers = list[tuple[str, bytes]]
SOURCE = b"/penguinmails"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Undecodable(Exception):  # noqa: N818 - a finding about a record
    """A record that no reader of this version understands; the text says why."""


def encode(event: Event) -> bytes:
    """The event's fields as JSON."""
    return orjson.dumps(event, option=orjson.OPT_UTC_Z)


def key_of(event: Event) -> bytes:
    """The partition key that the event's declaration names."""
    declared = type(event).event_type
    return str(getattr(event, declared.key)).encode()


def pos_of(found: Iterable[tuple[str, bytes]]) -> int | None:
    """The `pos` among a record's headers, without a look at its body; None: it has none."""
    return next((int(value) for name, value in found if name == "pos"), None)


def headers(event: Event, meta: Meta, *, subject: str = "", pos: int | None = None) -> Headers:
    """CloudEvents headers. `subject` is what it is about: a batch, a campaign, an aggregate."""
    declared = type(event).event_type
    return stored_headers(declared.name, declared.version, meta, subject=subject, pos=pos)


def stored_headers(
    name: str, version: int, meta: Meta, *, subject: str = "", pos: int | None = None
) -> Headers:
    """As `headers`, of an event that is still bytes of the version in which it was stored."""
    found = [
        ("ce_specversion", b"1.0"),
        ("ce_id", meta.id.encode()),
        ("ce_type", name.encode()),
        ("ce_source", SOURCE),
        ("ce_time", meta.time.astimezone(UTC).strftime(TIME_FORMAT).encode()),
        ("content-type", b"application/json"),
        ("v", str(version).encode()),
        ("tenant", meta.tenant_id.encode()),
    ]
    optional = {
        "ce_subject": subject,
        "actor": meta.actor,
        "causation": meta.causation,
        "correlation": meta.correlation,
        "pos": "" if pos is None else str(pos),
    }
    return found + [(name, value.encode()) for name, value in optional.items() if value]


def meta_of(found: Mapping[str, bytes]) -> Meta:
    """The envelope that headers carry."""
    try:
        moment = datetime.fromisoformat(found["ce_time"].decode())
        text = {
            name: found.get(name, b"").decode() for name in ("actor", "causation", "correlation")
        }
        return Meta(
            id=found["ce_id"].decode(), time=moment, tenant_id=found["tenant"].decode(), **text
        )
    except (KeyError, ValueError) as error:
        raise Undecodable(f"headers: {error!r}") from error


def decode(name: str, version: int, value: bytes) -> Event:
    """An event from its wire form, of this version or an older one (through its upcasters)."""
    declared = REGISTRY.get(name)
    if declared is None:
        raise Undecodable(f"unknown event type {name!r}")
    if not 1 <= version <= declared.version:
        raise Undecodable(f"{name} version {version} is not known here")
    try:
        data = orjson.loads(value)
        for step in range(version, declared.version):
            data = declared.upcasters[step](data)
        return _build(declared, data)
    except (ValueError, TypeError, KeyError) as error:
        raise Undecodable(f"{name}: {error}") from error


def recorded(record: Any) -> Recorded:
    """A Kafka record (aiokafka's shape) as an event with envelope and place. Raises Undecodable."""
    found = dict(record.headers)
    try:
        name, version = found["ce_type"].decode(), int(found["v"])
        pos = int(found["pos"]) if "pos" in found else None
    except (KeyError, ValueError) as error:
        raise Undecodable(f"headers: {error!r}") from error
    return Recorded(
        event=decode(name, version, record.value or b""),
        meta=meta_of(found),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        pos=pos,
    )


def subject_of(raw_headers: Sequence[tuple[str, bytes]]) -> str:
    """What a record is about, even where its value cannot be read."""
    return dict(raw_headers).get("ce_subject", b"").decode(errors="replace")


Converter = Callable[[Any], Any]


def _build(declared: EventType, data: Any) -> Event:
    converters = _converters(declared)
    if not isinstance(data, dict) or not data.keys() <= converters.keys():
        raise ValueError("the fields are not those of the type")
    return declared.cls(**{name: converters[name](value) for name, value in data.items()})


@cache
def _converters(declared: EventType) -> dict[str, Converter]:
    hints = get_type_hints(declared.cls, include_extras=True)
    return {field.name: _converter(hints[field.name]) for field in dataclasses.fields(declared.cls)}


def _converter(hint: Any) -> Converter:
    """Checks a JSON value's shape where that is cheap, and turns text into moments and days."""
    if get_origin(hint) is Annotated:
        return _converter(get_args(hint)[0])
    options = get_args(hint)
    if NoneType in options:
        inner = _converter(next(option for option in options if option is not NoneType))
        return lambda value: None if value is None else inner(value)
    if hint is datetime:
        return datetime.fromisoformat
    if hint is date:
        return date.fromisoformat
    shape = dict if is_typeddict(hint) else get_origin(hint) or hint
    if not isinstance(shape, type) or shape is Any:
        return lambda value: value
    return _shape_check((int, float) if shape is float else shape)


def _shape_check(shape: type | tuple[type, ...]) -> Converter:
    def check(value: Any) -> Any:
        if not isinstance(value, shape) or (isinstance(value, bool) and shape is int):
            raise ValueError(f"{value!r:.40} is not of {shape}")
        return value

    return check
