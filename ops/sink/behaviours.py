"""What each recipient's mailbox does, scripted by the local part of its address.

The keyword stands at the start of the local part, in any case, and ends there, before a digit or
before one of `- _ . + =`: `full`, `full-17` and `full7` are full; `fuller` is an ordinary mailbox.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

SLOW_MS_DEFAULT = 1000
SLOW_MS_MAX = 60_000


class At(Enum):
    """Where in the transaction a behaviour shows."""

    RCPT = auto()
    DATA = auto()
    DOT = auto()


@dataclass(frozen=True)
class Behaviour:
    """`reply` empty: the mail is taken, or the connection closes as `close` says."""

    keyword: str
    told: str  # for the documented table
    at: At = At.DOT
    reply: bytes = b""
    once: bool = False  # only the first time that this recipient is named
    close: bool = False
    records: bool = False  # whether the mail is taken although no reply is sent
    delay_ms: int = 0


ACCEPT = Behaviour("", "accepted: 250 at the dot")
BEHAVIOURS = (
    Behaviour("greylist", "451 4.7.1 at RCPT the first time this recipient is named, then accepted",
              At.RCPT, b"451 4.7.1 Greylisted, please try again in 1 minute", once=True),
    Behaviour("tempfail", "451 4.3.2 at RCPT, always",
              At.RCPT, b"451 4.3.2 System not accepting network messages"),
    Behaviour("unknown", "550 5.1.1 at RCPT: no such user",
              At.RCPT, b"550 5.1.1 The email account that you tried to reach does not exist"),
    Behaviour("full5", "552 5.2.2 at RCPT: mailbox full, permanently",
              At.RCPT, b"552 5.2.2 The recipient's mailbox is full and cannot take mail"),
    Behaviour("full", "452 4.2.2 at RCPT: mailbox full for now",
              At.RCPT, b"452 4.2.2 The recipient's mailbox is over quota"),
    Behaviour("policy-data", "550 5.7.1 at the dot: blocked by policy",
              At.DOT, b"550 5.7.1 Message blocked due to its content (policy)"),
    Behaviour("policy", "550 5.7.1 at RCPT: blocked by policy",
              At.RCPT, b"550 5.7.1 Service unavailable, client host blocked by policy"),
    Behaviour("slow", "accepted, but the reply to the dot takes N ms: slow500 (slow alone: 1000)",
              delay_ms=SLOW_MS_DEFAULT),
    Behaviour("drop-before-dot", "the connection closes at DATA: surely not delivered",
              At.DATA, close=True),
    Behaviour("drop-at-dot", "the dot is read, nothing is taken, the connection closes: ambiguous",
              close=True),
    Behaviour("drop-after-dot", "the mail is taken (recorded as not acknowledged), then the "
              "connection closes without a reply: ambiguous", close=True, records=True),
    Behaviour("reject-data", "554 5.6.0 at the dot",
              At.DOT, b"554 5.6.0 Message content rejected"),
)  # fmt: skip
_BY_KEYWORD = {behaviour.keyword: behaviour for behaviour in BEHAVIOURS}
_KEYWORDS = sorted(_BY_KEYWORD, key=len, reverse=True)
_PATTERN = re.compile(
    ("(" + "|".join(map(re.escape, _KEYWORDS)) + r")(?:(\d+)|(?=[-_.+=@])|$)").encode(),
    re.IGNORECASE,
)


def behaviour_of(recipient: bytes) -> Behaviour:
    """The behaviour of an address or local part."""
    found = _PATTERN.match(recipient)
    if not found:
        return ACCEPT
    behaviour = _BY_KEYWORD[found[1].decode().lower()]
    if behaviour.keyword == "slow" and found[2]:
        wait = min(int(found[2]), SLOW_MS_MAX)
        return Behaviour(behaviour.keyword, behaviour.told, delay_ms=wait)
    return behaviour
