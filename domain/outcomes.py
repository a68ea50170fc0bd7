"""Judges what an SMTP reply means for a send: its outcome, and the class that decides what follows.

Decided by provider codes, then wording, then the enhanced status code (RFC 3463), then reply code
and phase. The retry follows the reply's first digit, suppression follows the class. How to write a
rule: docs/classification.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from domain.outcome_rules import OWN_FAULTS, RETRY_CLOCK, RETRY_HINT, OutcomeClass
from domain.ports import Phase, Reply
from domain.replies import ruleset, statuses, text
from domain.replies.ruleset import RuleSet
from domain.replies.statuses import Meaning
from domain.sending import Outcome, Result

__all__ = [
    "Judgement",
    "Meaning",
    "OutcomeClass",
    "classify",
    "explain",
    "is_absent",
    "is_final",
    "judge",
    "retry_hint_s",
    "scrub",
    "suppresses",
]

RETRY_HINT_MAX_S = 24 * 3600
TEXT_MAX = text.LENGTH_MAX
UNIT_S = {"s": 1, "m": 60, "h": 3600}

_HARD = frozenset({OutcomeClass.INVALID_RECIPIENT, OutcomeClass.BAD_DOMAIN, OutcomeClass.INACTIVE})
#: What happens here is between the next hop and us: no recipient is to blame for a 5xx.
_OURS = frozenset({Phase.TLS, Phase.AUTH})
_ABOUT_ONE = _HARD | {OutcomeClass.MAILBOX_FULL, OutcomeClass.RECIPIENT_RATE}
_BEFORE_MAIL = frozenset({Phase.CONNECT, Phase.BANNER, Phase.EHLO})
_BEFORE_RCPT = _BEFORE_MAIL | {Phase.MAIL}

_STATUS = re.compile(r"(?<![\w.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reply came to. `retry_after_s`: a wait that a 4xx reply asked for in numbers.

    `rule`: what decided the class; empty where no rule was asked (accepted, no reply).
    """

    outcome: Outcome
    reason: OutcomeClass
    enhanced: str = ""
    retry_after_s: int | None = None
    rule: str = ""

    @property
    def hard(self) -> bool:
        """The address itself was refused for good."""
        return self.outcome is Outcome.REJECTED and suppresses(self.reason)


ACCEPTED = Judgement(Outcome.ACCEPTED, OutcomeClass.ACCEPTED)


def judge(reply: Reply, provider: str = "") -> Judgement:
    """The outcome and class of one attempt's reply. Pure; the same reply is always judged alike."""
    kind = reply.code // 100
    if kind == 2 and reply.phase is Phase.DOT:  # noqa: PLR2004 - RFC 5321 §4.2.1
        return ACCEPTED
    if kind not in {4, 5}:
        return _unanswered(reply)
    meant = explain(reply.code, reply.phase, reply.text, provider)
    enhanced = scrub(reply.text, reply.code)
    if is_final(reply.code, reply.phase):
        return Judgement(Outcome.REJECTED, meant.reason, enhanced, rule=meant.rule)
    hint = retry_hint_s(reply.text)
    return Judgement(Outcome.DEFERRED, meant.reason, enhanced, hint, meant.rule)


def is_final(code: int, phase: Phase | None) -> bool:
    """Whether a reply ends its send: a 5xx, unless it is about how we and the next hop talk."""
    return code >= 500 and phase not in _OURS  # noqa: PLR2004 - RFC 5321 §4.2.1


def _unanswered(reply: Reply) -> Judgement:
    """No usable reply: after the dot nobody knows (RFC 1047); before it, nothing was delivered."""
    if reply.phase is Phase.DOT:
        return Judgement(Outcome.AMBIGUOUS, OutcomeClass.AMBIGUOUS)
    own = reply.code == 0 and reply.text in OWN_FAULTS
    return Judgement(Outcome.DEFERRED, OutcomeClass.OWN_FAULT if own else OutcomeClass.INFRA)


def suppresses(reason: str) -> bool:
    """Whether a *rejected* send of this class ends all mail to its address.

    Never for a policy or reputation class (I12).
    """
    return reason in _HARD


def is_absent(result: Result) -> bool:
    """Whether DNS had no such domain: no next hop said so, for none was found."""
    return result["reason"] == OutcomeClass.BAD_DOMAIN and "phase" not in result


def scrub(text: str, code: int = 0) -> str:
    """All of a reply's text that may enter the log: its enhanced status code, or nothing (I10)."""
    for found in _STATUS.finditer(text[:TEXT_MAX]):
        if code == 0 or int(found[1]) == code // 100:  # RFC 2034 §4: both tell the same class
            return found[0]
    return ""


def retry_hint_s(text: str) -> int | None:
    """A wait in numbers that the reply asks for, at most a day; None without one."""
    if clock := RETRY_CLOCK.search(text[:TEXT_MAX]):
        hours, minutes, seconds = map(int, clock.groups())
        return min(hours * 3600 + minutes * 60 + seconds, RETRY_HINT_MAX_S) or None
    found = RETRY_HINT.search(text[:TEXT_MAX])
    if found is None:
        return None
    return min(int(found[1]) * UNIT_S[found[2][0].lower()], RETRY_HINT_MAX_S) or None


def classify(code: int, phase: Phase | None, text: str, provider: str = "") -> OutcomeClass:
    """The class of a 4xx or 5xx reply. `phase` None: not known (a quoted reply in a bounce)."""
    return explain(code, phase, text, provider).reason


def explain(
    code: int, phase: Phase | None, said: str, provider: str = "", rules: RuleSet = ruleset.CURRENT
) -> Meaning:
    """The class of a 4xx or 5xx reply, the rule that decided it, and that rule's source."""
    return _explain(code, phase, text.masked(said), provider, rules)


@lru_cache(maxsize=8192)  # a server says the same to many: the rules cost ten times the lookup
def _explain(code: int, phase: Phase | None, masked: str, provider: str, rules: RuleSet) -> Meaning:
    status = scrub(masked, code)
    found = statuses.by_provider(status)
    if found is None:
        rule = rules.first(text.words_of(masked), masked, str(code)[0], provider)
        found = Meaning(rule.reason, rule.name, rule.source) if rule else None
    meant = found or statuses.by_status(status, code)
    if meant is None:
        meant = statuses.by_code(code, phase, text.words_of(masked))
    return meant._replace(reason=_settle(meant.reason, code, phase))


def _settle(found: OutcomeClass, code: int, phase: Phase | None) -> OutcomeClass:
    """No recipient is to blame before RCPT named one. Reputation is a deferral while 4xx."""
    deferral, block = OutcomeClass.REPUTATION_DEFER, OutcomeClass.REPUTATION_BLOCK
    if found in _ABOUT_ONE and phase in _BEFORE_RCPT:
        found = OutcomeClass.AUTH_FAIL if phase is Phase.MAIL else block
    if found is OutcomeClass.CONTENT and phase in _BEFORE_MAIL:
        found = block  # nothing was said there that has a content
    if found in {deferral, block}:
        return deferral if code < 500 else block  # noqa: PLR2004 - RFC 5321 §4.2.1
    return found
