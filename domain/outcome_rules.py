"""Classes of outcomes, and what this process says of itself instead of a reply."""

from __future__ import annotations

import re
from enum import StrEnum


class OutcomeClass(StrEnum):
    """Why an attempt ended as it did (reference/deliverability.md §3.3)."""

    ACCEPTED = "ACCEPTED"
    INVALID_RECIPIENT = "INVALID_RECIPIENT"
    BAD_DOMAIN = "BAD_DOMAIN"
    INACTIVE = "INACTIVE"
    MAILBOX_FULL = "MAILBOX_FULL"
    RECIPIENT_RATE = "RECIPIENT_RATE"
    GREYLIST = "GREYLIST"
    REPUTATION_DEFER = "REPUTATION_DEFER"
    REPUTATION_BLOCK = "REPUTATION_BLOCK"
    AUTH_FAIL = "AUTH_FAIL"
    CONTENT = "CONTENT"
    TOO_BIG = "TOO_BIG"
    MIME = "MIME"
    PROTOCOL = "PROTOCOL"
    ROUTING = "ROUTING"
    INFRA = "INFRA"
    EXPIRED = "EXPIRED"
    AMBIGUOUS = "AMBIGUOUS"
    UNKNOWN = "UNKNOWN"
    OWN_FAULT = (
        "OWN_FAULT"  # ours, before the dot: nothing was delivered, the peer did nothing wrong
    )


#: `Reply.text` of a reply with code 0 whose cause lies in this process.
DEADLINE, JOURNAL, CLOSING, UNSENDABLE = "deadline", "dot journal", "closing", "unsendable"
OWN_FAULTS = frozenset({DEADLINE, JOURNAL, CLOSING, UNSENDABLE})

RETRY_HINT = re.compile(
    r"\b(?:in|after|for|within|wait|another)[ :]+(?:about |at least )?(\d{1,6}) ?"
    r"(s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?)\b",
    re.IGNORECASE,
)
#: As milter-greylist says it: come back in 00:04:59.
RETRY_CLOCK = re.compile(r"\b(?:in|after) (\d{1,2}):(\d{2}):(\d{2})\b", re.IGNORECASE)
