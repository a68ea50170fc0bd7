"""Histories for the governor: one tenant, two IPs, two providers, anything that can happen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from domain.event import Event
from domain.governor import State, allowance, initial, step
from domain.governor.inputs import (
    Action,
    Attempted,
    Complained,
    DnsChecked,
    Finding,
    Input,
    ListingSeen,
    Overridden,
    Scopes,
    Started,
    Ticked,
)
from domain.governor.state import Cell, cell_key

DAY, HOUR = 86_400, 3_600
START = 20_000 * DAY
TENANT = "ten_a"
IPS, PROVIDERS = ("ip_a", "ip_b"), ("yahoo", "outlook")
REASONS = (
    *["ACCEPTED"] * 12,
    "REPUTATION_DEFER",
    "REPUTATION_BLOCK",
    "INVALID_RECIPIENT",
    "GREYLIST",
    "INFRA",
    "AUTH_FAIL",
    "CONTENT",
    "AMBIGUOUS",
    "MAILBOX_FULL",
)


def scopes(ip: str = "ip_a", provider: str = "yahoo", campaign: str = "cmp_a") -> Scopes:
    return Scopes(TENANT, ip, provider, "dom_a", campaign)


def taken(count: int) -> tuple[Finding, ...]:
    return (Finding("ACCEPTED", count, "dot", 250),)


def deferred(count: int) -> tuple[Finding, ...]:
    return (Finding("REPUTATION_DEFER", count, "mail", 421),)


def blocked(count: int = 1) -> tuple[Finding, ...]:
    return (Finding("REPUTATION_BLOCK", count, "mail", 550),)


@dataclass
class Run:
    """A state and all that was decided on the way to it."""

    state: State = initial
    decided: list[Event] = field(default_factory=list)

    def tell(self, *inputs: Input) -> list[Event]:
        """Fold inputs in; what they decided."""
        before = len(self.decided)
        for event in inputs:
            self.state, decided = step(self.state, event)
            self.decided.extend(decided)
        return self.decided[before:]

    def send(self, at_s: int, *findings: Finding, to: Scopes | None = None) -> list[Event]:
        """Messages left and came to these ends."""
        where = to or scopes()
        count = sum(finding.count for finding in findings)
        return self.tell(Started(at_s, where, count), Attempted(at_s + 1, where, findings))

    def good_days(self, days: int, first: int = 0, to: Scopes | None = None) -> int:
        """Days on which all that the quota allows left and was taken; the second after them."""
        where = to or scopes()
        for day in range(first, first + days):
            morning = START + day * DAY
            self.tell(Ticked(morning))
            self.send(morning + 12 * HOUR, *taken(self.cell(where).quota), to=where)
        self.tell(Ticked(START + (first + days) * DAY))
        return START + (first + days) * DAY

    def cell(self, where: Scopes | None = None) -> Cell:
        where = where or scopes()
        key = cell_key(where.ip, where.provider)
        if key not in self.state.cells:
            self.tell(Started(self.state.now_s or START, where, 0))
        return self.state.cells[key]

    def allowed(self, until_s: int, where: Scopes | None = None) -> int:
        return allowance(self.state, where or scopes(), until_s).count


def history(dice: Random, length: int) -> Iterable[Input]:
    """Anything in any order; the clock mostly goes on, and sometimes back."""
    at_s = START
    for _ in range(length):
        at_s += dice.choice((0, 1, 60, 600, HOUR, 4 * HOUR, DAY))
        now_s = at_s - dice.choice((0,) * 9 + (2 * HOUR,))
        yield _anything(dice, now_s)


def minute(dice: Random, at_s: int, length: int) -> list[Input]:
    """Anything within a minute, but what people order."""
    found = [_anything(dice, at_s + dice.randrange(60)) for _ in range(length)]
    return [event for event in found if not isinstance(event, Overridden)]


def _anything(dice: Random, at_s: int) -> Input:
    where = scopes(dice.choice(IPS), dice.choice(PROVIDERS), dice.choice(("cmp_a", "cmp_b")))
    kind = dice.random()
    if kind < 0.3:
        return Started(at_s, where, dice.choice((1, 3, 50, 400)))
    if kind < 0.75:
        return Attempted(at_s, where, tuple(_finding(dice) for _ in range(dice.randint(1, 3))))
    if kind < 0.85:
        return Ticked(at_s)
    if kind < 0.93:
        return Complained(at_s, where, dice.randint(1, 4))
    return dice.choice(
        (
            DnsChecked(at_s, TENANT, "dom_a", passed=True),
            ListingSeen(at_s, TENANT, where.ip, listed=dice.random() < 0.5, tier=1),
            Overridden(at_s, TENANT, cell_key(where.ip, where.provider), Action.RESUME),
        )
    )


def _finding(dice: Random) -> Finding:
    reason = dice.choice(REASONS)
    phase = "dot" if reason == "ACCEPTED" else dice.choice(("connect", "mail", "rcpt", "dot"))
    code = 250 if reason == "ACCEPTED" else dice.choice((421, 550))
    return Finding(reason, dice.choice((1, 5, 40, 300)), phase, code)
