"""Judges what an SMTP reply means for a send: its outcome, and the class that decides what follows.

Decided by provider codes, then wording, then the enhanced status code (RFC 3463), then reply code
and phase. The retry follows the reply's first digit, suppression follows the class.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from domain.outcome_rules import (
    ENHANCED,
    OWN_FAULTS,
    PROVIDER_RULES,
    RETRY_HINT,
    OutcomeClass,
    Rule,
)
from domain.outcome_wordings import WORDING_RULES
from domain.ports import Phase, Reply
from domain.sending import Outcome

__all__ = ["Judgement", "OutcomeClass", "classify", "judge", "retry_hint_s", "scrub", "suppresses"]

RETRY_HINT_MAX_S = 24 * 3600
TEXT_MAX = 1000  # characters of a reply that are looked at; RFC 5321 §4.5.3.1.5 allows 512 a line
UNIT_S = {"s": 1, "m": 60, "h": 3600}

_HARD = frozenset({OutcomeClass.INVALID_RECIPIENT, OutcomeClass.BAD_DOMAIN, OutcomeClass.INACTIVE})
#: What happens here is between the next hop and us: no recipient is to blame for a 5xx.
_OURS = frozenset({Phase.TLS, Phase.AUTH})
_ABOUT_ONE = frozenset(
    {
        OutcomeClass.INVALID_RECIPIENT,
        OutcomeClass.INACTIVE,
        OutcomeClass.MAILBOX_FULL,
        OutcomeClass.RECIPIENT_RATE,
    }
)
_SESSION = frozenset({Phase.CONNECT, Phase.BANNER, Phase.EHLO})
_BEFORE_RCPT = _SESSION | {Phase.MAIL}

_STATUS = re.compile(r"(?<![\w.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_ADDRESS = re.compile(r"<[^<>\s]*>|\S+@\S+")
_IP = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
_URL = re.compile(r"https?:\s?//\S+")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reply came to. `retry_after_s`: a wait that a 4xx reply asked for in numbers."""

    outcome: Outcome
    reason: OutcomeClass
    enhanced: str = ""
    retry_after_s: int | None = None

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
    enhanced = scrub(reply.text, reply.code)
    reason = classify(reply.code, reply.phase, reply.text, provider)
    if kind == 5 and reply.phase not in _OURS:  # noqa: PLR2004 - RFC 5321 §4.2.1
        return Judgement(Outcome.REJECTED, reason, enhanced)
    return Judgement(Outcome.DEFERRED, reason, enhanced, retry_hint_s(reply.text))


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


def scrub(text: str, code: int = 0) -> str:
    """All of a reply's text that may enter the log: its enhanced status code, or nothing (I10)."""
    for found in _STATUS.finditer(text[:TEXT_MAX]):
        if code == 0 or int(found[1]) == code // 100:  # RFC 2034 §4: both tell the same class
            return found[0]
    return ""


def retry_hint_s(text: str) -> int | None:
    """A wait in numbers that the reply asks for, at most a day; None without one."""
    found = RETRY_HINT.search(text[:TEXT_MAX])
    if found is None:
        return None
    return min(int(found[1]) * UNIT_S[found[2][0].lower()], RETRY_HINT_MAX_S) or None


def classify(code: int, phase: Phase | None, text: str, provider: str = "") -> OutcomeClass:
    """The class of a 4xx or 5xx reply. `phase` None: not known (a quoted reply in a bounce)."""
    masked = _ADDRESS.sub("@", _IP.sub("#", _SPACES.sub(" ", text[:TEXT_MAX])))
    return _classify(code, phase, masked, provider)


@lru_cache(maxsize=4096)  # a server says the same to many: the rules cost 100 times the lookup
def _classify(code: int, phase: Phase | None, text: str, provider: str) -> OutcomeClass:
    found = _first(PROVIDER_RULES, text, code, provider)
    if found is None:
        found = _first(WORDING_RULES, _URL.sub(" ", text), code, provider)
    if found is None:
        found = _by_status(scrub(text, code))
    if found is None:
        found = _by_code(code, phase)
    return _settle(found, code, phase)


def _first(rules: Iterable[Rule], text: str, code: int, provider: str) -> OutcomeClass | None:
    return next((rule.reason for rule in rules if rule.applies(text, code, provider)), None)


def _by_status(enhanced: str) -> OutcomeClass | None:
    detail = enhanced.partition(".")[2]
    return ENHANCED.get(detail) or ENHANCED.get(detail.partition(".")[0] + ".*")


def _by_code(code: int, phase: Phase | None) -> OutcomeClass:
    """What the bare code says where the conversation stood (RFC 5321 §4.2.3, RFC 7504)."""
    kind = code // 100
    if code in {521, 556}:
        return OutcomeClass.BAD_DOMAIN
    if phase in _OURS:
        return OutcomeClass.INFRA
    if code in {500, 501, 502, 503, 504, 555}:
        return OutcomeClass.PROTOCOL
    if kind == 4:  # noqa: PLR2004 - RFC 5321 §4.2.1
        return _by_temporary_code(code, phase)
    if phase in _SESSION or phase is Phase.MAIL:
        return OutcomeClass.REPUTATION_BLOCK
    if phase is Phase.RCPT and code in {550, 551, 553}:
        return OutcomeClass.INVALID_RECIPIENT
    return {552: OutcomeClass.MAILBOX_FULL}.get(code, OutcomeClass.UNKNOWN)


def _by_temporary_code(code: int, phase: Phase | None) -> OutcomeClass:
    if phase is Phase.RCPT and code in {450, 451}:
        return OutcomeClass.GREYLIST
    if code == 452 and phase in {Phase.RCPT, Phase.DOT}:  # noqa: PLR2004 - RFC 5321 §4.2.3
        return OutcomeClass.MAILBOX_FULL
    return OutcomeClass.INFRA


def _settle(found: OutcomeClass, code: int, phase: Phase | None) -> OutcomeClass:
    """No recipient is to blame before RCPT named one. Reputation is a deferral while 4xx."""
    deferral, block = OutcomeClass.REPUTATION_DEFER, OutcomeClass.REPUTATION_BLOCK
    if found in _ABOUT_ONE and phase in _BEFORE_RCPT:
        found = OutcomeClass.AUTH_FAIL if phase is Phase.MAIL else block
    if found in {deferral, block}:
        return deferral if code < 500 else block  # noqa: PLR2004 - RFC 5321 §4.2.1
    return found
