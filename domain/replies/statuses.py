"""What enhanced status codes and bare reply codes mean where words decide nothing, as data."""

from __future__ import annotations

import re
from typing import NamedTuple

from domain.outcome_rules import OutcomeClass as C
from domain.ports import Phase
from domain.replies import sources as src


class Meaning(NamedTuple):
    """A class, and what says so."""

    reason: C
    rule: str
    source: str


class Range(NamedTuple):
    """Details of one provider's own: class digits, subject, from and to, both included."""

    digits: str
    subject: int
    low: int
    high: int
    reason: C
    source: str


#: Numbers that only one provider uses, or uses in a sense of its own.
PROVIDER_RANGES: tuple[Range, ...] = (
    Range("5", 7, 606, 649, C.REPUTATION_BLOCK, src.MICROSOFT),
    Range("5", 7, 501, 508, C.REPUTATION_BLOCK, src.MICROSOFT),
    Range("5", 7, 511, 512, C.REPUTATION_BLOCK, src.MICROSOFT),
    Range("5", 7, 700, 799, C.REPUTATION_BLOCK, src.MICROSOFT),
    Range("45", 7, 509, 509, C.AUTH_FAIL, src.MICROSOFT),
    Range("45", 7, 515, 515, C.AUTH_FAIL, src.MICROSOFT),
    Range("4", 7, 500, 799, C.REPUTATION_DEFER, src.MICROSOFT),
    Range("4", 7, 850, 899, C.REPUTATION_DEFER, src.MICROSOFT),
    Range("45", 7, 120, 139, C.ROUTING, src.EXCHANGE),
    Range("45", 7, 23, 27, C.AUTH_FAIL, f"{src.GOOGLE}; RFC 7372"),
    Range("45", 7, 30, 32, C.AUTH_FAIL, src.GOOGLE),
    Range("45", 7, 40, 40, C.AUTH_FAIL, src.GOOGLE),
    Range("45", 7, 28, 28, C.REPUTATION_DEFER, f"{src.GOOGLE}; registry of RFC 5248"),
    Range("45", 7, 29, 29, C.PROTOCOL, src.GOOGLE),
)

#: Enhanced status codes without their class digit, then whole subjects (`7.*`).
ENHANCED: dict[str, C] = {
    "1.1": C.INVALID_RECIPIENT,
    "1.2": C.BAD_DOMAIN,
    "1.3": C.INVALID_RECIPIENT,
    "1.4": C.INVALID_RECIPIENT,
    "1.6": C.INVALID_RECIPIENT,
    "1.7": C.AUTH_FAIL,
    "1.8": C.AUTH_FAIL,
    "1.9": C.AUTH_FAIL,
    "1.10": C.BAD_DOMAIN,
    "2.1": C.INACTIVE,
    "2.2": C.MAILBOX_FULL,
    "2.3": C.TOO_BIG,
    "2.4": C.ROUTING,
    "2.121": C.RECIPIENT_RATE,
    "2.122": C.RECIPIENT_RATE,
    "3.1": C.INFRA,
    "3.3": C.PROTOCOL,
    "3.4": C.TOO_BIG,
    "3.*": C.INFRA,
    "4.6": C.ROUTING,
    "4.7": C.EXPIRED,
    "4.*": C.INFRA,
    "5.3": C.PROTOCOL,
    "5.0": C.UNKNOWN,
    "5.*": C.PROTOCOL,
    "6.*": C.MIME,
    "7.2": C.ROUTING,
    "7.8": C.ROUTING,
    "7.9": C.ROUTING,
    "7.10": C.PROTOCOL,
    "7.13": C.INACTIVE,
    "7.17": C.INVALID_RECIPIENT,
    "7.18": C.BAD_DOMAIN,
    "7.20": C.AUTH_FAIL,
    "7.21": C.AUTH_FAIL,
    "7.22": C.AUTH_FAIL,
    "7.28": C.REPUTATION_DEFER,
    "7.*": C.REPUTATION_BLOCK,
}

#: What the names of those rules begin with that decide where no wording and no status did.
UNKNOWN_RULES = ("unknown", "code.")
_UNNAMED = Meaning(C.UNKNOWN, "unknown", "no rule says anything of it")
#: Reply codes that say the same in every phase (RFC 5321 §4.2.3, RFC 7504, RFC 4954).
CODES: dict[int, C] = {
    521: C.BAD_DOMAIN,
    556: C.BAD_DOMAIN,
    500: C.PROTOCOL,
    501: C.PROTOCOL,
    502: C.PROTOCOL,
    503: C.PROTOCOL,
    504: C.PROTOCOL,
    555: C.PROTOCOL,
    530: C.ROUTING,
    535: C.ROUTING,
}
_SESSION = frozenset({Phase.CONNECT, Phase.BANNER, Phase.EHLO})
_OURS = frozenset({Phase.TLS, Phase.AUTH})
_BAD_NAMES = frozenset({550, 551, 553})
STORAGE = 552
_WORDS = re.compile(r"[^\W\d_]{2,}")
_MAILBOX = frozenset(
    {"user", "recipient", "mailbox", "inbox", "account", "address", "addressee", "alias", "rcpt"}
)
_POLICY = re.compile(
    r"\b(?:allow|permi|author|authent|polic|deni|deny|refus|reject|block|accept|spam|junk|abus"
    r"|reputation|score|list|ip\b|host|server|sender|sent|send|from\b|your\b|you\b|client|connect"
    r"|relay|rout|dns|domain|helo|ehlo|tls|message|mails?\b|email|content|limit|rate|many|quota"
    r"|full|size|later|temporar|system|service|config|fail|verif|filter|restrict|prohibit|trust"
    r"|secur|access|want|member|subscri|protect|challenge|certificate|local|external)",
)


_BY_PROVIDER: dict[str, Meaning] = {
    f"{digit}.{one.subject}.{detail}": Meaning(
        one.reason, f"status.{one.subject}.{detail}", one.source
    )
    for one in reversed(PROVIDER_RANGES)  # the first that names a number decides
    for digit in one.digits
    for detail in range(one.low, one.high + 1)
}


def by_provider(enhanced: str) -> Meaning | None:
    """What one provider means by this number; None for numbers of the registry."""
    return _BY_PROVIDER.get(enhanced)


def by_status(enhanced: str, code: int = 0) -> Meaning | None:
    """What the registry says of an enhanced status code, or of its subject.

    552 is about storage whatever status stands beside it: some servers give each 5.1.1.
    """
    detail = enhanced.partition(".")[2]
    if code == STORAGE and detail.startswith("1."):
        return Meaning(C.MAILBOX_FULL, "code.552.status", "RFC 5321 §4.2.3")
    for asked in (detail, detail.partition(".")[0] + ".*"):
        if (reason := ENHANCED.get(asked)) is not None:
            return Meaning(reason, f"status.{asked}", src.RFC)
    return None


def by_code(code: int, phase: Phase | None, words: str = "") -> Meaning:
    """What the bare code says where the conversation stood.

    `words` stand beside it, and no rule knows them. A 550 at RCPT means no such mailbox, no access
    or policy (RFC 5321): only words that name the mailbox, and nothing else, let it be the first.
    """
    reason = _by_code(code, phase)
    if reason is C.INVALID_RECIPIENT and not _about_the_mailbox(words):
        return _UNNAMED
    if reason is C.UNKNOWN:
        return _UNNAMED
    where = phase.value if phase else "anywhere"
    return Meaning(reason, f"code.{code}.{where}", "RFC 5321 §4.2.3, RFC 7504")


def _by_code(code: int, phase: Phase | None) -> C:
    if phase in _OURS:
        return C.INFRA
    if code in CODES:
        return CODES[code]
    if code < 500:  # noqa: PLR2004 - RFC 5321 §4.2.1
        return _by_temporary_code(code, phase)
    if phase is Phase.MAIL and code in _BAD_NAMES - {550}:
        return C.AUTH_FAIL  # the mailbox that was named there is the sender's
    if phase in _SESSION or phase is Phase.MAIL:
        return C.REPUTATION_BLOCK
    if phase is Phase.RCPT and code in _BAD_NAMES:
        return C.INVALID_RECIPIENT
    return C.MAILBOX_FULL if code == STORAGE else C.UNKNOWN


def _about_the_mailbox(words: str) -> bool:
    """Nothing but the address, or the mailbox and none of what policies speak of."""
    found = set(_WORDS.findall(words))
    return not found or (bool(found & _MAILBOX) and not _POLICY.search(words))


def _by_temporary_code(code: int, phase: Phase | None) -> C:
    if phase is Phase.RCPT and code in {450, 451}:
        return C.GREYLIST
    if code == 452 and phase in {Phase.RCPT, Phase.DOT}:  # noqa: PLR2004 - RFC 5321 §4.2.3
        return C.MAILBOX_FULL
    return C.INFRA
