"""A chaos plan: the load, the faults that may befall it, and what is expected of the end. TOML.

docs/reliability.md tells the format. What a plan does not say has the defaults below.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from ops.chaos.toxics import CHANGES, Toxic
from ops.errors import Missing, Usage

BUILT_IN = Path(__file__).parent / "plans"
COUNT_MAX, FOR_S_MAX, SENDS_MAX, HOPS_MAX = 2000, 7200, 2_000_000, 40
#: kind of fault → whether it names targets.
KINDS = {
    "none": False,
    "kill": True,  # SIGKILL
    "term": True,  # SIGTERM: it drains
    "quit": True,  # SIGQUIT: PostgreSQL's immediate shutdown
    "pause": True,  # SIGSTOP, later SIGCONT
    "toxic": False,  # on the links to the next hops
    "link": True,  # a toxic on the links of roles to Kafka or Postgres, where they have such
    "lock": False,  # a table of Postgres held in ACCESS EXCLUSIVE
    "join": False,  # one more dispatcher, killed later: partitions move twice
    "poison": False,  # records that nobody can read
    "repeat": False,  # records of the log once more, shuffled
    "clock": True,  # of one process, which runs under libfaketime
    "fsync": True,  # says EIO, to one process, which runs under a library that can
    "fill": True,  # a folder of the stack that is a small file system of its own
}
TOXIC_KINDS = ("toxic", "link")
T = TypeVar("T")


@dataclass(frozen=True)
class Load:
    """What is sent meanwhile, and to how many next hops, each behind a proxy of its own."""

    sends: int = 1000
    campaigns: int = 1
    hops: int = 2
    latency_ms: float = 10.0  # of every reply, always
    tls: bool = False  # the next hops offer STARTTLS
    sign: str = "none"
    cap: int | None = None  # a day, to each provider; what is over it is cancelled at the end
    mix: Mapping[str, float] = field(default_factory=dict)  # sink behaviour → share of recipients
    calls_per_s: float = 0.0  # commands over the API meanwhile


@dataclass(frozen=True)
class Fault:
    """One kind of fault, and how often it is drawn compared with others."""

    kind: str
    weight: float = 1.0
    target: tuple[str, ...] = ()
    for_s: tuple[float, float] = (0.0, 0.0)  # how long it lasts, drawn between the two
    toxic: str = ""
    table: str = "pipeline.release"  # lock
    topics: tuple[str, ...] = ()  # poison, repeat
    records: int = 20  # poison, repeat
    jump_s: tuple[float, float] = (-3600.0, 3600.0)  # clock: drawn between the two
    toxic_with: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.kind} {self.toxic}".strip()


@dataclass(frozen=True)
class Expect:
    """Beyond what always holds: nothing lost, nothing twice, every ambiguity in flight, named."""

    ambiguous_max: int | None = None
    resumed_max_s: float | None = None  # from a fault to the next arrival
    faults_min: int = 0
    journal_share_min: float | None = None  # of ambiguous told by a dead owner's journal: received
    stores_equal: bool = False  # event store and read models are what the log says, by rebuilding


@dataclass(frozen=True)
class Plan:
    """A whole one. The nemesis ends after `count` faults, `for_s` seconds, or with the load."""

    name: str
    about: str
    load: Load
    faults: tuple[Fault, ...]
    every_s: tuple[float, float] = (0.5, 2.0)
    count: int = 10
    for_s: float = 120.0
    settle_s: float = 180.0
    rounds: bool = False  # each fault and target in turn instead of at random
    expect: Expect = Expect()


@dataclass(frozen=True)
class Act:
    """One drawn fault: after so long a pause, this, on that, for so long."""

    after_s: float
    fault: Fault
    target: str
    for_s: float

    def told(self) -> str:
        lasts = f" for {self.for_s:.1f} s" if self.for_s else ""
        return f"{self.fault.label} {self.target}".strip() + lasts


def draw(plan: Plan, seed: int) -> list[Act]:
    """What the nemesis will do: the same for the same plan and seed."""
    rng = random.Random(seed)  # noqa: S311 - a schedule of faults, to be drawn again
    pairs = [(fault, target) for fault in plan.faults for target in fault.target or ("",)]
    acts = []
    for number in range(plan.count):
        if plan.rounds:
            fault, target = pairs[number % len(pairs)]
        else:
            weights = [fault.weight for fault in plan.faults]
            fault = rng.choices(plan.faults, weights)[0]
            target = rng.choice(fault.target) if fault.target else ""
        after_s, for_s = rng.uniform(*plan.every_s), rng.uniform(*fault.for_s)
        acts.append(Act(after_s, fault, target, for_s))
    return acts


# ---- reading


def names() -> dict[str, str]:
    """The plans that come along, and what each is about."""
    return {path.stem: read(path).about for path in sorted(BUILT_IN.glob("*.toml"))}


def find(given: str) -> Plan:
    """A plan by the path of its file, or by the name of one that comes along."""
    path = Path(given)
    if path.is_file():
        return read(path)
    built_in = BUILT_IN / f"{given}.toml"
    if "/" not in given and built_in.is_file():
        return read(built_in)
    raise Missing(
        f"--plan {given}: there is no such file, and no plan of that name; "
        "`penguin chaos --list` names those that come along"
    )


def read(path: Path) -> Plan:
    """Raises Usage with the place of what is wrong."""
    try:
        found = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Usage(f"--plan {path}: no TOML ({error})") from error
    try:
        return _plan(found, path.stem)
    except (TypeError, ValueError) as error:
        raise Usage(f"--plan {path}: {error}") from error


def _plan(found: dict[str, Any], name: str) -> Plan:
    nemesis = dict(found.pop("nemesis", {}))
    faults = tuple(_fault(each) for each in found.pop("fault", [{"kind": "none"}]))
    load = _made(Load, found.pop("load", {}), "load")
    expect = _made(Expect, found.pop("expect", {}), "expect")
    given = {"name": name, "about": ""} | found | nemesis
    given |= {"faults": faults, "load": load, "expect": expect}
    plan = _made(Plan, given, "plan")
    _check_bounds(plan)
    return plan


def _fault(found: dict[str, Any]) -> Fault:
    kind = found.get("kind", "")
    if kind not in KINDS:
        raise ValueError(f"fault kind {kind!r}: use one of {', '.join(KINDS)}")
    own = {entry.name for entry in fields(Fault)}
    extra = {key: found[key] for key in found if key not in own}
    if extra and kind not in TOXIC_KINDS:
        raise ValueError(f"fault {kind}: there is no {min(extra)!r}")
    fault = _made(Fault, {key: found[key] for key in found if key in own}, f"fault {kind}")
    if KINDS[kind] and not fault.target:
        raise ValueError(f"fault {kind}: name its target, a list of processes")
    if kind in TOXIC_KINDS and fault.toxic not in CHANGES:
        raise ValueError(f"toxic {fault.toxic!r}: use one of {', '.join(CHANGES)}")
    if extra:
        _made(Toxic, {"kind": fault.toxic} | extra, f"toxic {fault.toxic}")
    return replace(fault, toxic_with=extra)


def _made(kind: type[T], given: dict[str, Any], where: str) -> T:
    known = {entry.name for entry in fields(kind)}  # type: ignore[arg-type]
    for key in given:
        if key not in known:
            raise ValueError(f"{where}: there is no {key!r}; there are {', '.join(sorted(known))}")
    return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in given.items()})


def _check_bounds(plan: Plan) -> None:
    """Every run stops by itself: count, time and size are bounded."""
    bounds = (
        ("nemesis.count", plan.count, COUNT_MAX),
        ("nemesis.for_s", plan.for_s, FOR_S_MAX),
        ("nemesis.settle_s", plan.settle_s, FOR_S_MAX),
        ("load.sends", plan.load.sends, SENDS_MAX),
        ("load.hops", plan.load.hops, HOPS_MAX),
        ("load.campaigns", plan.load.campaigns, plan.load.sends),
    )
    for name, value, most in bounds:
        if not 0 < value <= most:
            raise ValueError(f"{name} is {value}: it must be above 0 and at most {most}")
    for pair in (plan.every_s, *(fault.for_s for fault in plan.faults)):
        if len(pair) != 2 or not 0 <= pair[0] <= pair[1]:  # noqa: PLR2004 - from, to
            raise ValueError(f"{list(pair)}: give two numbers of seconds, the smaller one first")
