"""Folded states as JSON, so that a long stream need not be folded from its start.

A snapshot is a cache: it holds for the code that made it, and without one nothing changes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import orjson

S = TypeVar("S")


@cache
def code_of(evolve: Callable[..., Any]) -> str:
    """Names the code that folds: another text of its module is another name."""
    source = inspect.getsource(inspect.getmodule(evolve) or evolve)
    return hashlib.blake2b(source.encode(), digest_size=16).hexdigest()


def dump(state: Any) -> bytes:
    """A state (a dataclass of plain values, tuples, dicts and dataclasses) as JSON."""
    return orjson.dumps(state)


def load(cls: type[S], raw: bytes) -> S:
    """The state that `dump` wrote."""
    found: S = _value(cls, orjson.loads(raw))
    return found


def _value(hint: Any, raw: Any) -> Any:
    """`raw` in the shape that the type says, as JSON has fewer shapes."""
    args = get_args(hint)
    if NoneType in args:
        inner = next(option for option in args if option is not NoneType)
        return None if raw is None else _value(inner, raw)
    shape = get_origin(hint) or hint
    if dataclasses.is_dataclass(shape):
        return _dataclass(shape, raw)
    if shape is tuple:
        return tuple(_value(args[0], item) for item in raw)
    if shape is dict:
        return {name: _value(args[1], item) for name, item in raw.items()}
    if shape is datetime:
        return datetime.fromisoformat(raw)
    return shape(raw) if isinstance(shape, type) and issubclass(shape, Enum) else raw


def _dataclass(shape: Any, raw: dict[str, Any]) -> Any:
    hints = get_type_hints(shape)
    return shape(**{name: _value(hints[name], value) for name, value in raw.items()})
