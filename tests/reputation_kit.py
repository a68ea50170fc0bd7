"""Histories for reputation: two IPs and two domains of one tenant, mail by the hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from domain.governor.inputs import (
    Attempted,
    Bounced,
    Complained,
    DnsChecked,
    Finding,
    ListingSeen,
    Scopes,
    SpamRateReported,
    Started,
    Ticked,
)
from domain.reputation import Score, State, initial, score_of, step
from domain.reputation.events import ReputationScored
from domain.reputation.inputs import (
    AlignmentReported,
    DomainListed,
    Engaged,
    NameChecked,
    Told,
    TrapsHit,
)

DAY, HOUR, MINUTE = 86_400, 3_600, 60
START = 20_000 * DAY
TENANT = "ten_a"
IPS, DOMAINS, PROVIDERS = ("ip_a", "ip_b"), ("dom_a", "dom_b"), ("yahoo", "gmail")
REASONS = (
    *["ACCEPTED"] * 12,
    *["REPUTATION_DEFER", "REPUTATION_BLOCK", "INVALID_RECIPIENT", "GREYLIST", "AUTH_FAIL"],
)


def scopes(ip: str = "ip_a", provider: str = "yahoo", domain: str = "dom_a") -> Scopes:
    return Scopes(TENANT, ip, provider, domain, "cmp_a")


def ended(at_s: int, reason: str, count: int, where: Scopes | None = None) -> Attempted:
    """Attempts that came to this end, for good."""
    code = 250 if reason == "ACCEPTED" else 421 if reason == "REPUTATION_DEFER" else 550
    return Attempted(at_s, where or scopes(), (Finding(reason, count, "rcpt", code),))


def accepted(at_s: int, count: int, where: Scopes | None = None) -> Attempted:
    return ended(at_s, "ACCEPTED", count, where)


@dataclass
class Run:
    """A state that is told inputs, and all scores that it told."""

    state: State = initial
    told: list[ReputationScored] = field(default_factory=list)

    def tell(self, *events: Told) -> list[ReputationScored]:
        """The scores that these inputs moved."""
        before = len(self.told)
        for event in events:
            self.state, scores = step(self.state, event)
            self.told += [score for score in scores if isinstance(score, ReputationScored)]
        return self.told[before:]

    def until(self, at_s: int) -> list[ReputationScored]:
        return self.tell(Ticked(at_s))

    def score(self, kind: str = "cell", scope: str = "ip_a", provider: str = "yahoo") -> Score:
        return score_of(self.state, kind, scope, provider if kind == "cell" else "")

    def points(self, kind: str = "cell", scope: str = "ip_a", provider: str = "yahoo") -> int:
        found = self.score(kind, scope, provider).points
        assert found is not None
        return found

    def penalty(self, signal: str, kind: str = "cell", scope: str = "ip_a") -> int:
        """Tenths of points that a signal takes."""
        parts = self.score(kind, scope).components
        return sum(part["penalty"] for part in parts if part["signal"] == signal)


def after(*events: Told) -> Run:
    run = Run()
    run.tell(*events)
    return run


def history(dice: Random, length: int, spread_s: int = 3 * DAY) -> list[Told]:
    """Anything that can happen, in the order of its time."""
    times = sorted(START + dice.randrange(spread_s) for _ in range(length))
    return [anything(dice, at_s) for at_s in times]


def anything(dice: Random, at_s: int) -> Told:
    where = scopes(dice.choice(IPS), dice.choice(PROVIDERS), dice.choice(DOMAINS))
    count = dice.randrange(1, 400)
    chance = dice.random()
    if chance < 0.6:
        return counting(dice, at_s, where, count)
    return dice.choice(
        (
            SpamRateReported(at_s, where, dice.random() / 200, count),
            ListingSeen(at_s, TENANT, where.ip, dice.random() < 0.5, dice.choice((1, 2, 3)), "a.b"),
            DomainListed(at_s, TENANT, where.domain_id, "dbl", dice.random() < 0.5, 1),
            DnsChecked(at_s, TENANT, where.domain_id, dice.random() < 0.5),
            NameChecked(at_s, TENANT, where.ip, dice.random() < 0.5),
            Ticked(at_s),
        )
    )


def counting(dice: Random, at_s: int, where: Scopes, count: int) -> Told:
    """Something that only adds to counts."""
    return dice.choice(
        (
            Started(at_s, where, count),
            ended(at_s, dice.choice(REASONS), count, where),
            ended(at_s, dice.choice(REASONS), count, where),
            Complained(at_s, where, 1 + count // 200),
            Bounced(at_s, where, 1 + count // 100),
            Engaged(at_s, where, count),
            TrapsHit(at_s, where, 1),
            AlignmentReported(at_s, TENANT, where.domain_id, count, count - count // 20),
        )
    )


def by_day(days: int, count: int, engaged: int = 0) -> Iterable[Told]:
    """So much mail a day, from START on."""
    for day in range(days):
        at_s = START + day * DAY + 9 * HOUR
        yield Started(at_s, scopes(), count)
        yield accepted(at_s, count)
        if engaged:
            yield Engaged(at_s + HOUR, scopes(), engaged)
