"""One receiver under one controller, hour by hour; and all of them, compared with the oracle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.governor.parameters import CURRENT, Parameters
from ops.sim.controllers import (
    Controller,
    Governed,
    Oracle,
    Table,
    Threshold,
    findings_of,
)
from ops.sim.outbox import Outbox
from ops.sim.receiver import DAY_H, Receiver
from ops.sim.traits import Traits, seeded

CONTROLLERS = ("governor", "oracle", "table", "threshold")
FIRST_H, LAST_H = 8, 20  # of a day, in which new mail comes
ROUNDS_MAX = 4  # of asking within an hour
DEMAND_NOISE = 0.1


@dataclass(slots=True)
class Course:
    """What a controller got through, in all and by day."""

    name: str
    demanded: int = 0
    admitted: int = 0
    lost: int = 0
    blocks: int = 0
    by_day: list[int] = field(default_factory=list)
    demand_by_day: list[int] = field(default_factory=list)


def run(
    traits: Traits,
    days: int,
    controller: str,
    plan: str = "standard",
    parameters: Parameters = CURRENT,
) -> Course:
    """All days of one receiver under one controller."""
    receiver = Receiver(traits)
    return drive(traits, days, receiver, made(controller, traits, receiver, plan, parameters))


def made(
    controller: str,
    traits: Traits,
    receiver: Receiver,
    plan: str,
    parameters: Parameters = CURRENT,
) -> Controller:
    """A controller by its name."""
    if controller == "governor":
        return Governed(traits, plan, parameters)
    if controller == "oracle":
        return Oracle(receiver)
    return Table() if controller == "table" else Threshold()


def drive(traits: Traits, days: int, receiver: Receiver, who: Controller) -> Course:
    """Bring each hour's mail to the receiver, as the controller lets it."""
    course, outbox = Course(traits.name), Outbox()
    demand = demand_of(traits, days)
    for day, wanted in enumerate(demand):
        outbox.fresh = 0  # what did not leave yesterday went to other IPs
        before = course.admitted
        for at in range(DAY_H):
            outbox.fresh += share_of(wanted, at)
            _hour(day * DAY_H + at, receiver, who, outbox, course)
        course.by_day.append(course.admitted - before)
    course.demand_by_day, course.demanded = demand, sum(demand)
    course.lost, course.blocks = outbox.lost, receiver.blocks
    return course


def demand_of(traits: Traits, days: int) -> list[int]:
    """New mail by day: the same whatever a controller does."""
    dice = seeded(traits.seed, "demand")
    return [int(traits.demand_per_day * max(0.3, dice.gauss(1, DEMAND_NOISE))) for _ in range(days)]


def share_of(wanted: int, at: int) -> int:
    """The part of a day's mail that comes in this hour."""
    if not FIRST_H <= at < LAST_H:
        return 0
    hours, number = LAST_H - FIRST_H, at - FIRST_H
    return wanted * (number + 1) // hours - wanted * number // hours


def _hour(hour: int, receiver: Receiver, who: Controller, outbox: Outbox, course: Course) -> None:
    receiver.begin(hour)
    outbox.expire(hour)
    for _ in range(ROUNDS_MAX):
        due = outbox.due(hour)
        count = who.ask(hour, due) if due else 0
        if count <= 0:
            break
        drawn = outbox.draw(hour, count)
        verdict = receiver.take(count)
        course.admitted += verdict.accepted
        outbox.settle(hour, drawn, verdict)
        who.observe(hour, findings_of(verdict), due)
    who.hear(hour, receiver.complaints())
    receiver.end()


def compare(
    all_traits: Iterable[Traits],
    days: int,
    controller: str,
    plan: str = "standard",
    parameters: Parameters = CURRENT,
) -> list[tuple[Traits, Course, Course]]:
    """Each receiver under the controller, and under the oracle beside it."""
    found = []
    for traits in all_traits:
        best = run(traits, days, "oracle")
        same = controller == "oracle"
        course = best if same else run(traits, days, controller, plan, parameters)
        found.append((traits, course, best))
    return found
