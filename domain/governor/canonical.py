"""The governor's state as bytes: the same state gives the same ones, and they give it back."""

from __future__ import annotations

import json
from typing import Any, get_type_hints

from domain.governor.state import (
    VERSION,
    Breaker,
    Cell,
    Choice,
    Counts,
    Evidence,
    Gate,
    Pace,
    State,
)

_NESTED = {Counts, Evidence, Pace, Breaker}


class OtherVersion(ValueError):  # noqa: N818 - an answer about bytes that are sound
    """The bytes were written by other rules: replay the log instead."""


def encode(state: State) -> bytes:
    """UTF-8 JSON, keys sorted, no spaces."""
    held = {"version": VERSION, **_plain(state)}
    text = json.dumps(
        held, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    )
    return text.encode()


def decode(data: bytes) -> State:
    """The state that was encoded. Raises OtherVersion."""
    held = json.loads(data)
    if held["version"] != VERSION:
        raise OtherVersion(f"governor state of version {held['version']}; this is {VERSION}")
    return State(
        held["now_s"],
        {key: _made(Cell, value) for key, value in held["cells"].items()},
        {key: _made(Gate, value) for key, value in held["gates"].items()},
        {key: _made(Choice, value) for key, value in held["choices"].items()},
    )


def _plain(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def _made(cls: type[Any], held: dict[str, Any]) -> Any:
    hints = get_type_hints(cls)
    return cls(**{name: _value(hints[name], value) for name, value in held.items()})


def _value(hint: Any, value: Any) -> Any:
    if hint in _NESTED:
        return _made(hint, value)
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str) and hint is not str:
        return hint(value)  # an enumeration's value
    return value
