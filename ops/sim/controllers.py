"""Who decides how much leaves: our governor, one who knows all, a fixed table, a threshold."""

from __future__ import annotations

from typing import Protocol

from domain.governor import allowance, initial, step
from domain.governor.inputs import (
    Action,
    Attempted,
    Complained,
    Finding,
    Input,
    Overridden,
    PlanChosen,
    Scopes,
    SpamRateReported,
    Started,
    Ticked,
)
from domain.governor.parameters import CURRENT, Parameters
from domain.governor.state import cell_key, domain_key
from ops.sim.receiver import DAY_H, Receiver, Verdict
from ops.sim.traits import Traits

HOUR_S = 3600
START_S = 20_000 * 86_400  # any midnight


class Controller(Protocol):
    """Asked again within an hour until it says 0 or nothing is due."""

    def ask(self, hour: int, due: int, /) -> int:
        """How many of the due messages may leave now."""
        ...

    def observe(self, hour: int, findings: tuple[Finding, ...], due: int, /) -> None:
        """How those fared that left; `due` would have been there to leave."""
        ...

    def hear(self, hour: int, complaints: int, /) -> None:
        """The hour is over, and so many complaints were told in it."""
        ...


class Governed:
    """The product's governor, unchanged: fed inputs, asked for its allowance."""

    def __init__(self, traits: Traits, plan: str, parameters: Parameters = CURRENT) -> None:
        self.state, self.decided = initial, 0
        self._parameters = parameters
        self._provider = traits.provider
        self._elapsed_s = 0
        self._hour = -1
        self._reported = [0, 0]  # accepted and complaints since the last report
        self._cell = cell_key("ip", traits.provider)
        domain = domain_key("dom", traits.provider)
        self._tell(PlanChosen(START_S, "ten", "ip", plan, target=traits.demand_per_day))
        self._tell(Overridden(START_S, "ten", domain, Action.WARM))

    def ask(self, hour: int, due: int) -> int:
        if hour != self._hour:
            self._hour, self._elapsed_s = hour, 0
            self._tell(Ticked(self._now(hour)))
        until_s = START_S + (hour + 1) * HOUR_S
        found = allowance(self.state, self._scopes(hour), until_s, self._parameters)
        return min(found.count, due)

    def observe(self, hour: int, findings: tuple[Finding, ...], due: int) -> None:
        count = sum(finding.count for finding in findings)
        cell = self.state.cells.get(self._cell)
        pace = cell.pace.per_h if cell else self._parameters.profile(self._provider).rate_per_h
        scopes = self._scopes(hour)
        self._tell(Started(self._now(hour), scopes, count))
        spent_s = HOUR_S if count >= due else max(60, int(HOUR_S * count / pace))
        self._elapsed_s = min(HOUR_S - 1, self._elapsed_s + spent_s)
        self._tell(Attempted(self._now(hour), scopes, findings))
        self._reported[0] += sum(f.count for f in findings if f.reason == "ACCEPTED")

    def hear(self, hour: int, complaints: int) -> None:
        self._reported[1] += complaints
        at_s = START_S + (hour + 1) * HOUR_S - 1
        if self._parameters.profile(self._provider).feedback:
            if complaints:
                self._tell(Complained(at_s, self._scopes(hour), complaints))
        elif hour % DAY_H == DAY_H - 1:
            self._report(at_s, hour)

    def _report(self, at_s: int, hour: int) -> None:
        """Once a day, as Postmaster Tools tells it: a share."""
        mails, complaints = self._reported
        if mails:
            self._tell(SpamRateReported(at_s, self._scopes(hour), complaints / mails, mails))
        self._reported = [0, 0]

    def _now(self, hour: int) -> int:
        return START_S + hour * HOUR_S + self._elapsed_s

    def _scopes(self, hour: int) -> Scopes:
        return Scopes("ten", "ip", self._provider, "dom", f"cmp-{hour // DAY_H}")

    def _tell(self, event: Input) -> None:
        self.state, decided = step(self.state, event, self._parameters)
        self.decided += len(decided)


class Deaf:
    """Told nothing of what becomes of its mail, and asks for nothing."""

    def observe(self, _hour: int, _findings: tuple[Finding, ...], _due: int, /) -> None:
        """Ignored."""

    def hear(self, _hour: int, _complaints: int, /) -> None:
        """Ignored."""


class Oracle(Deaf):
    """Sees what the receiver takes in this hour, and sends exactly that."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def ask(self, _hour: int, due: int, /) -> int:
        return 0 if self._receiver.blocking else min(due, self._receiver.room)


#: SendGrid's automated warm-up, messages an hour by day (reference/deliverability.md §1.1).
TABLE = (
    20, 28, 39, 55, 77, 108, 151, 211, 295, 413, 579, 810, 1000, 1587, 2222, 3111, 4356, 6098, 8583,
    11953, 16734,
)  # fmt: skip
TABLE_GROWTH = 1.4  # a day, beyond them


class Table(Deaf):
    """A published schedule by the calendar, whatever receivers answer."""

    def __init__(self) -> None:
        self._hour, self._left = -1, 0

    def ask(self, hour: int, due: int) -> int:
        if hour != self._hour:
            self._hour, self._left = hour, self._per_h(hour // DAY_H)
        return min(due, self._left)

    def observe(self, _hour: int, findings: tuple[Finding, ...], _due: int, /) -> None:
        self._left -= sum(finding.count for finding in findings)

    @staticmethod
    def _per_h(day: int) -> int:
        beyond = day - len(TABLE) + 1
        return TABLE[day] if beyond <= 0 else int(TABLE[-1] * TABLE_GROWTH**beyond)


class Threshold(Deaf):
    """No ramp; after a reply about reputation 1 message a minute for 90 minutes, then full again.

    KumoMTA's default rule (reference/deliverability.md §1.3).
    """

    PER_H, HOURS = 60, 1.5

    def __init__(self) -> None:
        self._until, self._hour, self._left = 0.0, -1, 0

    def ask(self, hour: int, due: int) -> int:
        if hour != self._hour:
            slow = min(1.0, max(0.0, self._until - hour))
            self._hour = hour
            self._left = int(slow * self.PER_H + (1.0 - slow) * due)
        return min(due, self._left)

    def observe(self, hour: int, findings: tuple[Finding, ...], _due: int, /) -> None:
        self._left -= sum(finding.count for finding in findings)
        if any(finding.reason.startswith("REPUTATION") for finding in findings):
            self._until = hour + 1 + self.HOURS


def findings_of(verdict: Verdict) -> tuple[Finding, ...]:
    """A verdict as the classifier tells it."""
    found = (
        Finding("ACCEPTED", verdict.accepted, "dot", 250),
        Finding("INVALID_RECIPIENT", verdict.hard, "rcpt", 550),
        Finding("REPUTATION_DEFER", verdict.deferred, "mail", 421),
        Finding("REPUTATION_BLOCK", verdict.blocked, "mail", 550),
    )
    return tuple(finding for finding in found if finding.count)
