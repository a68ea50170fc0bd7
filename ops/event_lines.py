"""A record of the log as a line: for people, and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import orjson

from adapters import codec
from adapters.kafka_log import declared_topics
from domain.event import REGISTRY, Topic
from ops.errors import Usage

UNDECODABLE = "undecodable"
LIST_SHOWN_MAX = 3  # elements of a list that a line for people spells out
Line = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """Which records are wanted. Empty text: any."""

    topics: tuple[str, ...]
    type: str
    tenant: str

    @classmethod
    def of(cls, topic: str, type_: str, tenant: str) -> Self:
        """Raises Usage for a topic or type that does not exist, naming those that do."""
        return cls(_topics(topic), _type(type_), tenant)


def _topics(asked: str) -> tuple[str, ...]:
    if not asked:
        return tuple(str(topic) for topic in Topic)
    known = declared_topics()
    for name in (asked, f"pm.{asked}"):
        if name in known:
            return (name,)
    raise Usage(f"--topic {asked}: there is no such topic; there are {', '.join(known)}")


def _type(asked: str) -> str:
    known = {name.lower(): name for name in (*REGISTRY, UNDECODABLE)}
    if asked and asked.lower() not in known:
        names = ", ".join(sorted(known.values()))
        raise Usage(f"--type {asked}: there is no such event type; there are {names}")
    return known.get(asked.lower(), "")


def line_of(topic: str, record: Any, asked: Asked) -> Line | None:
    """The record as a line, or None when it was not asked for. Never raises for its content."""
    headers = dict(record.headers)
    tenant = headers.get("tenant", b"").decode(errors="replace")
    claimed = headers.get("ce_type", b"").decode(errors="replace")
    if asked.tenant not in ("", tenant) or asked.type not in ("", claimed, UNDECODABLE):
        return None
    line = {"topic": topic, "partition": record.partition, "offset": record.offset}
    try:
        read = codec.recorded(record)
    except codec.Undecodable as error:
        line |= _unread(headers, tenant, claimed, str(error))
    else:
        line |= {
            "type": read.event.event_type.name,
            "id": read.meta.id,
            "time": read.meta.time.isoformat(),
            "tenant_id": tenant,
            "data": orjson.loads(codec.encode(read.event)),
        }
    if asked.type not in ("", line["type"]):
        return None
    return line | _dead_letter(headers)


def _unread(headers: dict[str, bytes], tenant: str, claimed: str, reason: str) -> Line:
    return {
        "type": UNDECODABLE,
        "id": headers.get("ce_id", b"").decode(errors="replace"),
        "time": headers.get("ce_time", b"").decode(errors="replace"),
        "tenant_id": tenant,
        "data": None,
        "claimed_type": claimed,
        "reason": reason,
    }


def _dead_letter(headers: dict[str, bytes]) -> Line:
    """Where a dead letter came from and why it is one."""
    names = [name for name in ("dlq_origin", "dlq_reason") if name in headers]
    return {name: headers[name].decode(errors="replace") for name in names}


def as_json(line: Line) -> str:
    """One JSON object."""
    return orjson.dumps(line).decode()


def told(line: Line) -> str:
    """One line for people; long lists are counted, not spelled out."""
    place = f"{line['topic']}[{line['partition']}]@{line['offset']}"
    if line["type"] == UNDECODABLE:
        said = f"{line['claimed_type'] or '?'}: {line['reason']}"
    else:
        said = " ".join(f"{name}={_short(value)}" for name, value in line["data"].items())
    letter = f" | {line['dlq_origin']}: {line['dlq_reason']}" if "dlq_origin" in line else ""
    return " ".join(
        f"{line['time'][:26]:<26} {place:<24} {line['type']} {said}{letter}".split("\n")
    )


def _short(value: Any) -> str:
    if isinstance(value, list) and len(value) > LIST_SHOWN_MAX:
        return f"[{len(value)} values]"
    return value if isinstance(value, str) else orjson.dumps(value).decode()
