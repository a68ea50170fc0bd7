"""Reads a set of the governor's parameters from JSON, and tells one as JSON.

A file names only what shall differ from a released set:

    {"version": 7, "slow": {"cut": 0.6}, "profiles": {"gmail": {"quota": 500}}}

What it says wrong is refused with the field's name and what to write instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from domain.governor.parameters import CURRENT, RECORDED, Of, Parameters
from domain.governor.plans import END, Plan
from domain.governor.posteriors import Prior
from domain.governor.profiles import Profile
from domain.refusals import Invalid

VERSION_MAX = 10**6
NAMES_MAX = 100  # of plans and of profiles
_PAPER = "reference/deliverability.md §1.4"
_COUNT = Of("messages", _PAPER, 1, 10**9)
_SPAN = Of("seconds", _PAPER, 1, 30 * 86_400)
#: Of records that say no unit beside their fields.
_BOUNDS: dict[type, dict[str, Of]] = {
    Prior: {"a": Of("mails", _PAPER, 0.001, 10**6), "b": Of("mails", _PAPER, 0.001, 10**7)},
    Plan: {
        "start": Of("of the first quota", _PAPER, 0.01, 100),
        "hold_days": Of("days", _PAPER, 0, 365),
    },
    Profile: {
        "quota": _COUNT,
        "rate_per_h": Of("messages an hour", _PAPER, 0.1, 10**7),
        "connections_max": Of("connections", _PAPER, 1, 1_000),
        "per_connection": Of("messages", _PAPER, 1, 10**6),
        "deferred_open_s": _SPAN,
        "deferred_open_max_s": _SPAN,
        "blocked_open_s": _SPAN,
        "blocked_open_max_s": _SPAN,
    },
}
GROWTH = Of("growth a day", _PAPER, 1.0, 10.0)
#: Pairs of which the first must lie below the second.
_RISING = (
    ("slow", "complaints_care", "complaints_stop"),
    ("slow", "deferred_fine", "deferred_stay"),
    ("slow", "deferred_stay", "deferred_cut"),
    ("slow", "hard_stay", "hard_stop"),
    ("slow", "idle_days", "cold_days"),
    ("fast", "quiet_share", "loud_share"),
    ("breaking", "hard_review", "hard_stop"),
)


def parsed(text: str, base: Parameters = CURRENT) -> Parameters:
    """The set that a JSON text says, as changes of `base`. Raises Invalid, naming the field."""
    try:
        said = json.loads(text)
    except ValueError as error:
        raise Invalid(f"parameters: not JSON ({error}); write one object") from None
    return made(said, base)


def made(said: Any, base: Parameters = CURRENT) -> Parameters:
    """As `parsed`, of what was read already."""
    found: Parameters = _record(said, replace(base, version=0), "")
    for group, low, high in _RISING:
        record = getattr(found, group)
        if not getattr(record, low) < getattr(record, high):
            raise Invalid(f"{group}.{low}: must be less than {group}.{high}; change one of them")
    for name, profile in {**found.profiles, "other": found.other}.items():
        _check_spans(name, profile)
    known = RECORDED.get(found.version)
    if known is not None and known != found:
        raise Invalid(
            f"version: {found.version} is that of a released set, from which this one differs;"
            " give another number, or none"
        )
    return found


def _check_spans(name: str, profile: Profile) -> None:
    for why in ("deferred", "blocked"):
        first, most = (getattr(profile, f"{why}_open{end}_s") for end in ("", "_max"))
        if first > most:
            where = name if name == "other" else f"profiles.{name}"
            raise Invalid(f"{where}.{why}_open_s: above {why}_open_max_s; change one of them")


def plain(parameters: Parameters) -> dict[str, Any]:
    """The whole set as JSON tells it; `made` of it gives the set back."""
    found: dict[str, Any] = _plain(parameters)
    return found


def described(parameters: Parameters) -> list[dict[str, Any]]:
    """Each number with its value, unit, source and bounds; plans and profiles are in `plain`."""
    groups = ((one.name, getattr(parameters, one.name)) for one in fields(parameters))
    return [told for name, record in groups if is_dataclass(record) for told in _told(name, record)]


def _told(path: str, record: Any) -> Iterator[dict[str, Any]]:
    for one in fields(record):
        value, of = getattr(record, one.name), _of(type(record), one.name)
        name = f"{path}.{one.name}"
        if is_dataclass(value):
            yield from _told(name, value)
        elif of is not None:
            bounds = {"low": of.low, "high": of.high}
            shown = {"parameter": name, "value": _plain(value), "unit": of.unit}
            yield shown | {"source": of.source} | bounds


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        names = [one.name for one in fields(value) if one.name != "name"]
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return None if value == END else value


# ---- reading


def _record(said: Any, base: Any, path: str) -> Any:
    """`base` with what is said of it."""
    where = path or "parameters"
    if not isinstance(said, dict):
        raise Invalid(f"{where}: {_shown(said)} is no object; write an object of names and values")
    hints = get_type_hints(type(base), include_extras=True)
    settable = [name for name in hints if name != "name"]
    for name in said:
        if name not in settable:
            known = ", ".join(sorted(settable))
            raise Invalid(f"{path}{'.' * bool(path)}{name}: unknown; {where} has {known}")
    changes = {
        name: _value(value, getattr(base, name), type(base), f"{path}{'.' * bool(path)}{name}")
        for name, value in said.items()
    }
    return replace(base, **changes)


def _value(said: Any, base: Any, owner: type, path: str) -> Any:
    name = path.rpartition(".")[2]
    if name == "growth":
        return _growth(said, path)
    if isinstance(base, Mapping):
        return _named(said, base, path)
    if is_dataclass(base):
        return _record(said, base, path)
    if isinstance(base, bool):
        if not isinstance(said, bool):
            raise Invalid(f"{path}: {_shown(said)} is neither true nor false; write one of them")
        return said
    of = Of("number", "", 0, VERSION_MAX) if name == "version" else _of(owner, name) or _COUNT
    if isinstance(base, tuple):
        return _row(said, of, path)
    return _number(said, of, path, whole=_whole(owner, name))


def _named(said: Any, base: Mapping[str, Any], path: str) -> dict[str, Any]:
    if not isinstance(said, dict) or len(said) > NAMES_MAX:
        raise Invalid(f"{path}: write an object of at most {NAMES_MAX} names and what changes")
    plans = path == "plans"
    found = dict(base)
    for name, changes in said.items():
        known = found.get(name) or (base["standard"] if plans else CURRENT.other)
        found[name] = _record(changes, known, f"{path}.{name}")
        if plans:
            found[name] = replace(found[name], name=name)
    return found


def _growth(said: Any, path: str) -> tuple[tuple[float, float], ...]:
    """Steps of (below this quota, factor), rising; the last one has null for no end."""
    shape = "write [[quota, factor], …, [null, factor]] with rising quotas"
    if not isinstance(said, list) or not said:
        raise Invalid(f"{path}: {_shown(said)}; {shape}")
    steps: list[tuple[float, float]] = []
    for at, step in enumerate(said):
        if not isinstance(step, list) or len(step) != 2:  # noqa: PLR2004 - a pair
            raise Invalid(f"{path}[{at}]: {_shown(step)}; {shape}")
        last = at == len(said) - 1
        if (step[0] is None) != last:
            raise Invalid(f"{path}[{at}]: null stands for no end, in the last step alone; {shape}")
        below = END if last else _number(step[0], _COUNT, f"{path}[{at}][0]", whole=False)
        if steps and below <= steps[-1][0]:
            raise Invalid(f"{path}[{at}][0]: not above the step before; {shape}")
        steps.append((below, _number(step[1], GROWTH, f"{path}[{at}][1]", whole=False)))
    return tuple(steps)


def _row(said: Any, of: Of, path: str) -> tuple[int, ...]:
    if not isinstance(said, list) or not 1 <= len(said) <= 10:  # noqa: PLR2004 - rounds of probes
        raise Invalid(f"{path}: {_shown(said)} is no list of 1 to 10 whole numbers; write one")
    return tuple(int(_number(one, of, f"{path}[{at}]", whole=True)) for at, one in enumerate(said))


def _number(said: Any, of: Of, path: str, *, whole: bool) -> float:
    kind = "whole number" if whole else "number"
    if isinstance(said, bool) or not isinstance(said, int if whole else (int, float)):
        raise Invalid(f"{path}: {_shown(said)} is no {kind}; write one of {_range(of)}")
    if not of.low <= said <= of.high:
        raise Invalid(f"{path}: {_shown(said)} makes no sense; write one of {_range(of)}")
    return said


def _range(of: Of) -> str:
    return f"{of.low:g} to {of.high:g} ({of.unit})"


def _shown(said: Any) -> str:
    return json.dumps(said)[:60]


def _hint(owner: type, name: str) -> Any:
    return get_type_hints(owner, include_extras=True)[name]


def _of(owner: type, name: str) -> Of | None:
    hint = _hint(owner, name)
    if get_origin(hint) is Annotated:
        return next(one for one in get_args(hint)[1:] if isinstance(one, Of))
    return _BOUNDS.get(owner, {}).get(name)


def _whole(owner: type, name: str) -> bool:
    hint = _hint(owner, name)
    return (get_args(hint)[0] if get_origin(hint) is Annotated else hint) is int
