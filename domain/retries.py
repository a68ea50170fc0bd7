"""When a deferred send is attempted again: SMTP time for the peer's reasons, seconds for our own.

Steps are those of reference/deliverability.md §7.3 (RFC 5321 §4.5.4.1: at least 30 minutes, 4-5
days, unless the reason is known). Pure: jitter is an argument, derived from ids by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain import fatigue
from domain.outcome_rules import OutcomeClass
from domain.ports import Phase

MINUTE_S, HOUR_S = 60.0, 3600.0
JITTER = 0.2  # share of the delay, each way
DELAY_MAX_S = 24 * HOUR_S
RECIPIENT_RATE_MIN_S = HOUR_S

#: After this long a send that was only deferred has expired.
DEADLINES_S = {"bulk": 72 * HOUR_S, "transactional": 24 * HOUR_S}

OWN_FAULT_S = (2.0, 6.0, 14.0)

#: A domain that does not exist is looked for once more, so much later: registries and name servers
#: err too (reference/deliverability.md §3.3, BAD_DOMAIN).
SECOND_LOOK_S = 6 * int(HOUR_S)

_PAPER = "reference/deliverability.md §7.3"
_CLASSES = "reference/deliverability.md §3.3"
_RFC = "RFC 5321 §4.5.4.1: half an hour and more, 4 to 5 days"


def _minutes(*minutes: float) -> tuple[float, ...]:
    return tuple(one * MINUTE_S for one in minutes)


def _hours(*hours: float) -> tuple[float, ...]:
    return tuple(one * HOUR_S for one in hours)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Waits after attempt 1, 2, …; the last one goes on until the message's deadline."""

    bulk: tuple[float, ...]
    transactional: tuple[float, ...]
    source: str

    def steps(self, message_class: str) -> tuple[float, ...]:
        """Those of a message class. Raises KeyError for one that there is not."""
        return {"bulk": self.bulk, "transactional": self.transactional}[message_class]


def _alike(steps: tuple[float, ...], source: str) -> Schedule:
    return Schedule(steps, steps, source)


_GENERAL = Schedule(
    bulk=(*_minutes(15, 30), *_hours(1, 2, 4, 8, 12)),
    transactional=(*_minutes(1, 5, 15, 30), *_hours(1, 2, 4)),
    source=f"{_PAPER}; {_RFC}",
)
#: Of classes whose reason tells when to come back; each other class waits as `_GENERAL` says.
_OF_CLASS: dict[OutcomeClass, Schedule] = {
    OutcomeClass.GREYLIST: _alike(
        (*_minutes(5, 15, 30), *_hours(1, 2, 4, 8)), f"{_CLASSES}; RFC 6647 §4"
    ),
    OutcomeClass.RECIPIENT_RATE: _alike(
        _hours(1, 2, 4, 8, 12), f"{_CLASSES}: an hour at least; support.google.com 4.2.1"
    ),
    OutcomeClass.MAILBOX_FULL: _alike(_hours(2, 6, 12, 20), f"{_CLASSES}: few, over 72 h"),
    OutcomeClass.AUTH_FAIL: _alike(
        _hours(1, 6, 17, 24), f"{_CLASSES}: records are put right by people, within a day or so"
    ),
    OutcomeClass.REPUTATION_BLOCK: _alike(
        (*_minutes(15, 30), *_hours(1, 2, 4, 8, 12)),
        f"{_CLASSES}: a breaker holds it longer, where one opened",
    ),
}
#: What a deferred send waits for, by class.
SCHEDULES: dict[OutcomeClass, Schedule] = {
    reason: _OF_CLASS.get(reason, _GENERAL)
    for reason in OutcomeClass
    if reason not in {OutcomeClass.ACCEPTED, OutcomeClass.AMBIGUOUS}
}
_BY_NAME: dict[str, Schedule] = {reason.value: one for reason, one in SCHEDULES.items()}


#: A 5xx ends its send (RFC 5321 §4.2.1: the same command is not to be repeated). Of these classes
#: it says something of us, or of an hour: so many further attempts (_CLASSES).
AGAIN_AFTER_5XX: dict[OutcomeClass, int] = {
    OutcomeClass.REPUTATION_BLOCK: 3,
    OutcomeClass.AUTH_FAIL: 3,  # those within 24 h
    OutcomeClass.RECIPIENT_RATE: 99,  # until the deadline: it is the recipient's hour, as at 4xx
    OutcomeClass.UNKNOWN: 1,  # of the mail itself alone: at DATA, or at the dot
}
_OF_THE_MAIL = frozenset({Phase.DATA, Phase.DOT})
#: Rules whose 5xx comes back to every retry (Yahoo's TSS09 and TSS11).
NEVER_AGAIN = frozenset({"yahoo.deferred"})


@dataclass(frozen=True, slots=True)
class Delay:
    """A wait. `scaled`: the setting `retry_scale` shortens it, as it stands for the peer's time."""

    seconds: float
    scaled: bool

    def at_scale(self, retry_scale: float) -> float:
        """Seconds to wait under `retry_scale`."""
        return self.seconds * retry_scale if self.scaled else self.seconds


def retry_delay(
    reason: str, n: int, message_class: str, retry_after_s: int | None, jitter: float
) -> Delay:
    """How long a send waits after its attempt `n` (from 1) was deferred for `reason`.

    `jitter` in [-1, 1] moves it by up to 20 %. A wait that the reply asked for only lengthens it.
    More than a day is never waited.
    """
    share = 1 + JITTER * max(-1.0, min(1.0, jitter))
    if reason == fatigue.REASON:  # its own time, in which nothing is to be spread
        return Delay(float(retry_after_s or HOUR_S), scaled=False)
    if reason == OutcomeClass.OWN_FAULT:
        if n <= len(OWN_FAULT_S):
            return Delay(OWN_FAULT_S[n - 1] * share, scaled=False)
        reason = OutcomeClass.INFRA
    seconds = max(_step_s(reason, n, message_class) * share, float(retry_after_s or 0))
    if reason == OutcomeClass.RECIPIENT_RATE:
        seconds = max(seconds, RECIPIENT_RATE_MIN_S)
    return Delay(min(seconds, DELAY_MAX_S), scaled=True)


def delay_s(
    reason: str,
    n: int,
    message_class: str,
    retry_after_s: int | None,
    jitter: float,
    retry_scale: float = 1.0,
) -> float:
    """`retry_delay` in seconds under `retry_scale`."""
    return retry_delay(reason, n, message_class, retry_after_s, jitter).at_scale(retry_scale)


def used_up(reason: str, n: int, message_class: str) -> bool:
    """Whether a send that was deferred for `reason` at attempt `n` has no further attempt.

    So it is once the waits before that attempt add up to more than the class's deadline, as if all
    had been for this reason: then an answer needs no history, and facts may be read in any order.
    Nominal waits, whatever the setting `retry_scale`; a bulk send gets at most 16 attempts, a
    transactional one 13. What is put off for fatigue is counted elsewhere (domain/fatigue.py).
    """
    if reason == fatigue.REASON:
        return False
    waits = (retry_delay(reason, before, message_class, None, 0) for before in range(1, n))
    return sum(wait.seconds for wait in waits) > deadline_s(message_class)


def again_after_5xx(
    reason: str, phase: Phase | None, rule: str, n: int, message_class: str
) -> bool:
    """Whether a send that got a 5xx of this class at its attempt `n` gets another all the same.

    `phase` None: not known; `rule`: that decided the class. By `n` alone, as if each attempt before
    had come to the same: then facts may be read in any order, and no send gets more.
    """
    tries = _AGAIN.get(reason, 0)
    if rule in NEVER_AGAIN or (reason == OutcomeClass.UNKNOWN and phase not in _OF_THE_MAIL):
        tries = 0
    return n <= tries and not used_up(reason, n, message_class)


_AGAIN = {reason.value: tries for reason, tries in AGAIN_AFTER_5XX.items()}


def deadline_s(message_class: str) -> float:
    """Seconds after which a send of this class is no longer attempted."""
    return DEADLINES_S[message_class]


def _step_s(reason: str, n: int, message_class: str) -> float:
    steps = _BY_NAME.get(reason, _GENERAL).steps(message_class)
    return steps[min(n, len(steps)) - 1]
