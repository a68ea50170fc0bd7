"""Classes of outcomes, and what providers' own codes and enhanced status codes mean, as data.

The first rule that fits decides. Each row names its source: an RFC or a provider's page of error
codes. Rules name codes and wordings, never a host or an address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
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


C = OutcomeClass

#: `Reply.text` of a reply with code 0 whose cause lies in this process.
DEADLINE, JOURNAL, CLOSING, UNSENDABLE = "deadline", "dot journal", "closing", "unsendable"
OWN_FAULTS = frozenset({DEADLINE, JOURNAL, CLOSING, UNSENDABLE})

RETRY_HINT = re.compile(
    r"\b(?:in|after|for|within|wait|another)[ :]+(?:about |at least )?(\d{1,6}) ?"
    r"(s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A wording and its class, for reply codes that begin with a digit of `codes`.

    Holds for every provider when `providers` is empty.
    """

    reason: OutcomeClass
    pattern: re.Pattern[str]
    source: str
    codes: str = "45"
    providers: frozenset[str] = frozenset()

    def applies(self, text: str, code: int, provider: str) -> bool:
        """Whether the rule speaks of this reply."""
        return (
            str(code)[0] in self.codes
            and (not self.providers or provider in self.providers)
            and self.pattern.search(text) is not None
        )


def rule(reason: OutcomeClass, *words: str, source: str, codes: str = "45", of: str = "") -> Rule:
    """A rule of alternatives, matched anywhere and without regard to case."""
    pattern = re.compile("|".join(f"(?:{word})" for word in words), re.IGNORECASE)
    return Rule(reason, pattern, source, codes, frozenset(of.split()))


YAHOO = "senders.yahooinc.com/smtp-error-codes"
MICROSOFT = "learn.microsoft.com, Non-delivery reports in Exchange Online; postmaster.live.com"
GOOGLE = "support.google.com/a/answer/3726730, SMTP errors and codes"
GODADDY = "godaddy.com/help, What's the reason code in my bounceback"
ORANGE = "postmaster.orange.fr and postmaster.laposte.net, codes retour"
APPLE = "support.apple.com/en-us/102322, postmaster information for iCloud Mail"
GMX = "postmaster.gmx.net, error messages"

#: Codes in brackets and numbers that only one provider uses. Matched on the whole text.
PROVIDER_RULES: tuple[Rule, ...] = (
    rule(C.INACTIVE, r"\b554\.30\b", r"^\W*30 Sorry, your message", source=YAHOO),
    rule(C.REPUTATION_DEFER, r"\[(?:TSS|RL|GL|IPTS)\d+\]", source=YAHOO),
    rule(C.REPUTATION_BLOCK, r"\[BL\d+\]", r"\[PH\d+\]", source=YAHOO),
    rule(C.CONTENT, r"\b5\.7\.9\b.*policy reasons", source=YAHOO),
    rule(C.INVALID_RECIPIENT, r"RESOLVER\.ADR\.(?:Recip|ExRecip)", source=MICROSOFT),
    rule(C.INVALID_RECIPIENT, r"\b5\.4\.1\b.*recipient address(?:es)? reject", source=MICROSOFT),
    rule(C.ROUTING, r"RESOLVER\.RST\.|\b5\.7\.12[0-9]\b|\b5\.7\.13[0-9]\b", source=MICROSOFT),
    rule(C.REPUTATION_BLOCK, r"\b5\.7\.(?:60[6-9]|6[1-4]\d|51[12]|50[1-8])\b", source=MICROSOFT),
    rule(C.REPUTATION_DEFER, r"\b4\.7\.(?:650|651|652|500|501|7[05]\d)\b", source=MICROSOFT),
    rule(C.AUTH_FAIL, r"\b5\.7\.(?:509|515|23|26|27|30)\b", source=MICROSOFT),
    rule(
        C.REPUTATION_BLOCK, r"\(S\d{4}\)|\b(?:SC|DY)-00\d\b|\bS3140\b|\bS3150\b", source=MICROSOFT
    ),
    rule(C.CONTENT, r"\bS2017062302\b|\bOU-00\d\b", source=MICROSOFT),
    rule(C.RECIPIENT_RATE, r"p=ReceivingRate", source=GOOGLE),
    rule(C.INACTIVE, r"p=DisabledUser", r"p=OverQuotaPerm.*inactive", source=GOOGLE),
    rule(C.INVALID_RECIPIENT, r"p=NoSuchUser", source=GOOGLE),
    rule(C.MIME, r"p=RfcMessageNonCompliant", source=GOOGLE),
    rule(C.REPUTATION_DEFER, r"p=(?:UnsolicitedRateLimit|BulkSend)", source=GOOGLE),
    rule(C.AUTH_FAIL, r"\b[45]\.7\.(?:24|25|26|27|30|31|32|40)\b", source=GOOGLE),
    rule(C.PROTOCOL, r"\b[45]\.7\.29\b", source=GOOGLE),
    rule(C.REPUTATION_BLOCK, r"\bIB(?:10[1-79]|11[0-3]|50[134]|510|60[17])\b", source=GODADDY),
    rule(C.AUTH_FAIL, r"\bIB(?:108|502|505|506|508|705)\b", source=GODADDY),
    rule(C.PROTOCOL, r"\bIB(?:605|401)\b", source=GODADDY),
    rule(C.CONTENT, r"\bIB(?:21\d|70\d)\b", source=GODADDY),
    rule(C.AUTH_FAIL, r"\b(?:OFR|LPN)_?\d*[_ ](?:402|405)\b", source=ORANGE),
    rule(C.CONTENT, r"\bofr_?\d*_506\b", source=ORANGE),
    rule(C.INVALID_RECIPIENT, r"\b(?:OFR|LPN)_?\d*_416\b", source=ORANGE),
    rule(C.MAILBOX_FULL, r"\b(?:OFR|LPN)_?\d*_417\b", source=ORANGE),
    rule(C.INACTIVE, r"\b(?:OFR|LPN)_?\d*_42[56]\b", source=ORANGE),
    rule(
        C.REPUTATION_BLOCK,
        r"\b(?:OFR|LPN)_?\d*_(?:10\d|11\d|5\d\d|630|999)\b",
        source=ORANGE,
    ),
    rule(C.REPUTATION_BLOCK, r"\[(?:CS|HM)\d+\]", source=APPLE),
    rule(C.AUTH_FAIL, r"Reject due to domain policy", r"refused by local policy.*SPF", source=GMX),
)

#: Enhanced status codes without their class digit (RFC 3463; registry of RFC 5248), then subjects.
ENHANCED: dict[str, OutcomeClass] = {
    "1.1": C.INVALID_RECIPIENT,
    "1.2": C.BAD_DOMAIN,
    "1.3": C.INVALID_RECIPIENT,
    "1.4": C.INVALID_RECIPIENT,
    "1.6": C.INVALID_RECIPIENT,
    "1.7": C.AUTH_FAIL,
    "1.8": C.AUTH_FAIL,
    "1.10": C.BAD_DOMAIN,
    "2.1": C.INACTIVE,
    "2.2": C.MAILBOX_FULL,
    "2.3": C.TOO_BIG,
    "2.121": C.RECIPIENT_RATE,
    "2.122": C.RECIPIENT_RATE,
    "3.1": C.INFRA,
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
    "7.13": C.INACTIVE,
    "7.17": C.INVALID_RECIPIENT,
    "7.18": C.BAD_DOMAIN,
    "7.20": C.AUTH_FAIL,
    "7.21": C.AUTH_FAIL,
    "7.22": C.AUTH_FAIL,
    "7.23": C.AUTH_FAIL,
    "7.24": C.AUTH_FAIL,
    "7.25": C.AUTH_FAIL,
    "7.26": C.AUTH_FAIL,
    "7.27": C.AUTH_FAIL,
    "7.28": C.REPUTATION_DEFER,
    "7.29": C.AUTH_FAIL,
    "7.*": C.REPUTATION_BLOCK,
}
