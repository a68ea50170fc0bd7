"""Codes of authenticator apps: RFC 6238, 6 digits, 30 s, one step of tolerance."""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp

STEP_S = 30
TOLERANCE = 1  # steps before and after now: clocks of phones
ISSUER = "PenguinMails"


def new_seed() -> str:
    """160 bits as base32."""
    return pyotp.random_base32()


def setup_url(seed: str, address: str) -> str:
    """What an authenticator app reads, as a QR code."""
    return pyotp.TOTP(seed).provisioning_uri(name=address, issuer_name=ISSUER)


def counter_of(seed: str, code: str, now: datetime) -> int | None:
    """The counter for which the code is right now, or None. Every counter is compared."""
    codes = pyotp.HOTP(seed)
    current = int(now.timestamp()) // STEP_S
    found = None
    for counter in range(current - TOLERANCE, current + TOLERANCE + 1):
        if hmac.compare_digest(codes.at(counter).encode(), code.encode()):
            found = counter
    return found
