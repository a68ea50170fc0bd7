"""Secrets that people carry: session tokens, one-time tokens, recovery codes; kept hashed alone."""

from __future__ import annotations

import hashlib
import secrets

SESSION = "pm_session_"  # the prefix lets scanners of leaked secrets find them
VERIFY = "pm_verify_"
RESET = "pm_reset_"
RANDOM_BYTES = 32
RECOVERY_CODES = 10
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 that are not mistaken for another: 5 bits each
_GROUPS, _GROUP = 4, 6


def new_token(prefix: str) -> str:
    """256 random bits after a prefix."""
    return prefix + secrets.token_urlsafe(RANDOM_BYTES)


def new_recovery_codes() -> list[str]:
    """Ten codes of 120 bits, in groups that can be typed."""
    return [_recovery_code() for _ in range(RECOVERY_CODES)]


def _recovery_code() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def digest(token: str) -> bytes:
    """What is stored. A fast hash is enough for 112 bits and more (ASVS 6.5.2)."""
    return hashlib.sha256(token.encode()).digest()


def code_digest(code: str) -> bytes:
    """Of a recovery code, however it was typed."""
    return digest("".join(code.lower().split()).replace("-", ""))
