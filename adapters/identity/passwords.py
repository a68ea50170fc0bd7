"""Passwords: which ones are taken, and argon2id on a bounded number of threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from domain.refusals import Invalid, Refused

#: OWASP's minimum for argon2id (reliability.md §5): 19 MiB and about 47 ms a hash.
MEMORY_KIB, PASSES, LANES = 19_456, 2, 1
THREADS, QUEUE = 2, 16  # so that many log-ins at once cost 38 MiB, not 380
CHARS_MIN, BYTES_MAX = 12, 1024
_REFUSED = Path(__file__).with_name("refused_passwords.txt")
R = TypeVar("R")


class Busy(Refused):
    """Too many passwords are being hashed at this moment; ask again."""

    code = "busy"
    wait_s = 1


class Hasher(Protocol):
    """A password hash function, its parameters written into each hash."""

    def hash(self, password: str) -> str: ...

    def verify(self, hash: str, password: str) -> bool:  # noqa: A002 - the library's name
        """True, or raises VerificationError."""
        ...

    def check_needs_rehash(self, hash: str) -> bool: ...  # noqa: A002 - as above


def argon2id() -> Hasher:
    """The one in use."""
    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)


def check_choice(password: str, address: str) -> None:
    """Raises Invalid for a password that nobody should choose."""
    if len(password) < CHARS_MIN:
        raise Invalid(f"password: it is too short; take {CHARS_MIN} characters or more")
    if len(password.encode()) > BYTES_MAX:
        raise Invalid(f"password: it is too long; take {BYTES_MAX} bytes at most")
    word = password.lower()
    plain = word.rstrip("0123456789!?.,-_*#$@ ")
    guessed = {word, plain} & _refused() or len(set(word)) <= len("abc")
    if guessed or word in (address.lower(), address.lower().partition("@")[0]):
        raise Invalid("password: it is among the first that are tried; choose another")


@cache
def _refused() -> frozenset[str]:
    return frozenset(_REFUSED.read_text().split())


class Passwords:
    """Makes and checks hashes; at most `threads` at a time, `queue` waiting, then Busy.

    Blocking: for threads. A check without a hash costs what every check costs, so that nobody can
    tell by the time whether an address is known.
    """

    def __init__(self, hasher: Hasher, *, threads: int = THREADS, queue: int = QUEUE) -> None:
        self._hasher = hasher
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self.places_left = threads + queue
        self._counting = threading.Lock()
        self._of_nobody = ""

    def close(self) -> None:
        """Let running hashes end."""
        self._pool.shutdown()

    def make(self, password: str) -> str:
        """A hash with its parameters. Raises Busy."""
        return self._run(lambda: self._hasher.hash(password))

    def check(self, password: str, kept: str | None) -> bool:
        """Whether the password is that of the hash; None: of nobody's. Raises Busy."""
        return self._run(lambda: self._matches(password, kept))

    def is_outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _matches(self, password: str, kept: str | None) -> bool:
        try:
            matches = self._hasher.verify(kept or self._hash_of_nobody(), password)
        except (VerificationError, InvalidHashError):
            return False
        return matches and kept is not None

    def _hash_of_nobody(self) -> str:
        if not self._of_nobody:
            self._of_nobody = self._hasher.hash("the password of nobody")
        return self._of_nobody

    def _run(self, work: Callable[[], R]) -> R:
        with self._counting:
            if not self.places_left:
                raise Busy("too many people log in at this moment; ask again in a moment")
            self.places_left -= 1
        try:
            return self._pool.submit(work).result()
        finally:
            with self._counting:
                self.places_left += 1
