"""Rates of mail, each defined once: what is divided by what (reference/product.md §5).

Shares are 0 to 1, with numerator and denominator beside them; without a denominator there is no
value. Delivered: accepted by the receiving server. Sent: what reached a receiving server and ended
there, or may have (an ambiguous send may have). Opened, clicked, replied: sends, not events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

DIGITS = 6


class Share(TypedDict):
    """A part of a whole; `value` is None where there is no whole."""

    numerator: int
    denominator: int
    value: float | None


#: Rate → (numerator, denominator), both names of `totals`.
RATES: Mapping[str, tuple[str, str]] = {
    "delivery": ("delivered", "sent"),
    "bounce": ("bounced", "sent"),
    "ambiguous": ("ambiguous", "sent"),
    "open": ("opened", "delivered"),
    "click": ("clicked", "delivered"),
    "reply": ("replied", "delivered"),
    "unsubscribe": ("unsubscribed", "delivered"),
    "complaint": ("complaints", "delivered"),
    "click_to_open": ("clicked", "opened"),
}
ESTIMATED_INBOX = "estimated_inbox"
NAMES = (*RATES, ESTIMATED_INBOX)


def share(numerator: int, denominator: int) -> Share:
    """A part of a whole, rounded to six digits."""
    value = round(numerator / denominator, DIGITS) if denominator else None
    return {"numerator": numerator, "denominator": denominator, "value": value}


def rates(totals: Mapping[str, int]) -> dict[str, Share]:
    """Every rate that the totals have the numbers for.

    `estimated_inbox` = (sent - bounced - complaints) / sent is an estimate and an upper bound:
    nobody tells where an accepted mail was put.
    """
    found = {
        name: share(totals[top], totals[bottom])
        for name, (top, bottom) in RATES.items()
        if top in totals and bottom in totals
    }
    if {"sent", "bounced", "complaints"} <= totals.keys():
        left = max(0, totals["sent"] - totals["bounced"] - totals["complaints"])
        found[ESTIMATED_INBOX] = share(left, totals["sent"])
    return found
