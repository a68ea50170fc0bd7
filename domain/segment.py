"""A segment: a saved filter over leads. The filter is the tenant's text and stays in the vault.

A filter is a tree: `{"all": [...]}`, `{"any": [...]}`, `{"not": ...}` over conditions such as
`{"what": "field", "name": "city", "op": "equals", "value": "Oslo"}`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any

from domain.event import Event, Topic, Unit, event_type
from domain.lead import FIELD_NAME_LENGTH_MAX, read_tag
from domain.refusals import Invalid, NotFound, WrongState

DEPTH_MAX = 5
CONDITIONS_MAX = 50
VALUES_MAX = 100  # of one condition
TEXT_LENGTH_MAX = 254
WITHIN_DAYS_MAX = 3660


@event_type("SegmentCreated", topic=Topic.DECISIONS, key="tenant_id")
class SegmentCreated(Event):
    """A saved filter exists."""

    tenant_id: str
    segment_id: str


@event_type("SegmentChanged", topic=Topic.DECISIONS, key="tenant_id")
class SegmentChanged(Event):
    """The segment has another filter from now on."""

    tenant_id: str
    segment_id: str
    segment_version: Annotated[int, Unit("versions")]


@event_type("SegmentArchived", topic=Topic.DECISIONS, key="tenant_id")
class SegmentArchived(Event):
    """The segment is offered no more."""

    tenant_id: str
    segment_id: str


@event_type("SegmentFrozen", topic=Topic.DECISIONS, key="tenant_id")
class SegmentFrozen(Event):
    """Who was in the segment at that moment is a list of its own, which does not follow it."""

    tenant_id: str
    segment_id: str
    list_id: str
    leads: Annotated[int, Unit("leads")]


# ---- state


@dataclass(frozen=True)
class State:
    """A segment as its events tell it; `segment_id` is empty before it exists."""

    tenant_id: str = ""
    segment_id: str = ""
    version: int = 0
    archived: bool = False
    list_ids: tuple[str, ...] = ()


initial = State()


def stream(segment_id: str) -> str:
    """The name of the segment's event stream."""
    return f"segment-{segment_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case SegmentCreated():
            return replace(state, tenant_id=event.tenant_id, segment_id=event.segment_id, version=1)
        case SegmentChanged():
            return replace(state, version=event.segment_version)
        case SegmentArchived():
            return replace(state, archived=True)
        case SegmentFrozen():
            return replace(state, list_ids=(*state.list_ids, event.list_id))
        case _:
            return state


# ---- decisions


def create(state: State, *, tenant_id: str, segment_id: str) -> tuple[Event, ...]:
    """Save a filter."""
    created = SegmentCreated(tenant_id=tenant_id, segment_id=segment_id)
    return () if state.segment_id else (created,)


def change(state: State, *, version: int) -> tuple[Event, ...]:
    """Tell that the filter is another one, its version. Raises NotFound, WrongState."""
    _require(state)
    if state.version >= version:
        return ()
    changed = SegmentChanged(
        tenant_id=state.tenant_id, segment_id=state.segment_id, segment_version=version
    )
    return (changed,)


def archive(state: State) -> tuple[Event, ...]:
    """Offer the segment no more. Raises NotFound."""
    if not state.segment_id:
        raise NotFound("segment_id: there is no such segment")
    gone = SegmentArchived(tenant_id=state.tenant_id, segment_id=state.segment_id)
    return () if state.archived else (gone,)


def freeze(state: State, *, list_id: str, leads: int) -> tuple[Event, ...]:
    """Tell which list holds who is in the segment now. Raises NotFound, WrongState."""
    _require(state)
    frozen = SegmentFrozen(
        tenant_id=state.tenant_id, segment_id=state.segment_id, list_id=list_id, leads=leads
    )
    return () if list_id in state.list_ids else (frozen,)


def _require(state: State) -> None:
    if not state.segment_id:
        raise NotFound("segment_id: there is no such segment")
    if state.archived:
        raise WrongState("segment_id: the segment is archived; use another one")


# ---- filters


@dataclass(frozen=True)
class Condition:
    """One question about a lead; `value` is a str, bool, datetime, int or tuple of str."""

    what: str
    op: str
    value: Any
    name: str = ""  # of a field


@dataclass(frozen=True)
class Group:
    """Several: `how` is all, any, or not (of one)."""

    how: str
    parts: tuple[Node, ...]


Node = Condition | Group


def read(given: Any) -> Node:
    """A filter from JSON. Raises Invalid naming the place in it and the cure."""
    return _Reader().node(given, "filter", 1)


class _Reader:
    def __init__(self) -> None:
        self._conditions = 0

    def node(self, given: Any, where: str, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise Invalid(f"{where}: deeper than {DEPTH_MAX} groups; flatten the filter")
        if not isinstance(given, dict):
            raise Invalid(f"{where}: not an object; write a condition, or all, any, not")
        how = next((key for key in ("all", "any", "not") if key in given), "")
        if not how:
            return self._condition(given, where)
        if len(given) > 1:
            raise Invalid(f"{where}: {how} stands alone; put the rest into it")
        inner = [given[how]] if how == "not" else given[how]
        if not isinstance(inner, list) or not inner:
            raise Invalid(f"{where}.{how}: a list of at least one condition is needed")
        if len(inner) > CONDITIONS_MAX:
            raise Invalid(f"{where}.{how}: more than {CONDITIONS_MAX} conditions; use fewer")
        parts = [self.node(p, f"{where}.{how}[{n}]", depth + 1) for n, p in enumerate(inner)]
        return Group(how, tuple(parts))

    def _condition(self, given: dict[Any, Any], where: str) -> Condition:
        self._conditions += 1
        if self._conditions > CONDITIONS_MAX:
            raise Invalid(f"filter: more than {CONDITIONS_MAX} conditions; use fewer")
        if unknown := sorted(str(key)[:40] for key in given.keys() - KEYS):
            raise Invalid(f"{where}: unknown {', '.join(unknown)}; use {', '.join(sorted(KEYS))}")
        what, op = given.get("what"), given.get("op")
        readers = OPS.get(what) if isinstance(what, str) else None
        if readers is None:
            raise Invalid(f"{where}.what: use one of {', '.join(OPS)}")
        reader = readers.get(op) if isinstance(op, str) else None
        if reader is None:
            raise Invalid(f"{where}.op: of a {what}, use one of {', '.join(readers)}")
        name = _name(given, where) if what == "field" else ""
        if what != "field" and "name" in given:
            raise Invalid(f"{where}.name: only a field has a name; leave it out")
        try:
            return Condition(str(what), str(op), reader(given.get("value")), name)
        except Invalid as wrong:
            raise Invalid(f"{where}.value: {wrong}") from wrong


KEYS = frozenset({"what", "name", "op", "value"})


def _name(given: dict[Any, Any], where: str) -> str:
    name = given.get("name")
    good = isinstance(name, str) and name.isprintable() and name.strip()
    if not good or len(str(name)) > FIELD_NAME_LENGTH_MAX:
        raise Invalid(f"{where}.name: name the field, in at most {FIELD_NAME_LENGTH_MAX} letters")
    return str(name)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_LENGTH_MAX:
        raise Invalid(f"give a text of 1 to {TEXT_LENGTH_MAX} characters")
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise Invalid("the text holds a character that no lead has; leave it out")
    return value


def _lower(value: Any) -> str:
    return _text(value).lower()


def _tag(value: Any) -> str:
    try:
        return read_tag(_text(value))
    except Invalid as wrong:
        raise Invalid(str(wrong).removeprefix("tags: ")) from wrong


def _several(read_one: Callable[[Any], str]) -> Callable[[Any], tuple[str, ...]]:
    def read_all(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not 0 < len(value) <= VALUES_MAX:
            raise Invalid(f"give a list of 1 to {VALUES_MAX} texts")
        return tuple(read_one(one) for one in value)

    return read_all


def _nothing(value: Any) -> None:
    if value is not None:
        raise Invalid("this condition takes no value; leave it out")


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid("give true or false")
    return value


def _moment(value: Any) -> datetime:
    cure = "give a time with its zone, as 2026-01-05T09:00:00Z"
    if not isinstance(value, str) or len(value) > TEXT_LENGTH_MAX:
        raise Invalid(cure)
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid(cure) from error


def _days(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= WITHIN_DAYS_MAX:
        raise Invalid(f"give a number of days, 1 to {WITHIN_DAYS_MAX}")
    return value


#: What may be asked about what, and how its value is read.
OPS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "field": {
        "equals": _text,
        "not_equals": _text,
        "in": _several(_text),
        "starts_with": _text,
        "contains": _lower,
        "is_set": _nothing,
        "is_not_set": _nothing,
    },
    "address": {"equals": _lower, "starts_with": _lower, "in": _several(_lower)},
    "domain": {"equals": _lower, "not_equals": _lower, "in": _several(_lower)},
    "tag": {"has": _tag, "has_not": _tag},
    "list": {"in": _text, "not_in": _text},
    "suppressed": {"is": _boolean},
    "created": {"before": _moment, "after": _moment, "within_days": _days},
}


def all_of(conditions: Sequence[Node]) -> Node:
    """The filter of who meets every one; of everybody, for none."""
    return Group("all", tuple(conditions))
