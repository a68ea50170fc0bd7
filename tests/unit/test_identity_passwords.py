"""Password hashes: their parameters, and what happens when many are asked for at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2.exceptions import VerifyMismatchError
from hypothesis import given
from hypothesis import strategies as st

from adapters.identity import tokens
from adapters.identity.passwords import Busy, Passwords, argon2id, check_choice
from domain.refusals import Invalid
from ops.stack.processes import wait_for


class Slow:
    """A hasher that waits until it may go on."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.most = 0
        self.now = 0
        self._lock = threading.Lock()

    def hash(self, password: str) -> str:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        assert self.go.wait(10)
        with self._lock:
            self.now -= 1
        return f"hash of {password}"

    def verify(self, hash: str, password: str) -> bool:  # noqa: A002 - the library's name
        if hash != f"hash of {password}":
            raise VerifyMismatchError
        return True

    def check_needs_rehash(self, hash: str) -> bool:  # noqa: A002 - as above
        return not hash


def test_hashes_are_argon2id_with_the_written_parameters() -> None:
    """m=19456 KiB, t=2, p=1, told by the hash itself; equal passwords differ."""
    made = [Passwords(argon2id()).make("four kind penguins walk") for _ in range(2)]

    assert all(found.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for found in made)
    assert made[0] != made[1]


def test_only_the_right_password_matches_and_nobodys_never() -> None:
    """Neither does any password match what is no hash."""
    passwords = Passwords(argon2id())
    kept = passwords.make("four kind penguins walk")

    assert passwords.check("four kind penguins walk", kept)
    assert not passwords.check("four kind penguins walk ", kept)
    assert not passwords.check("the password of nobody", None)
    assert not passwords.check("", "no hash")


def test_two_hashes_at_a_time_sixteen_wait_and_the_next_is_refused() -> None:
    """Nineteen at once: eighteen end well once they may, none more than two at a time."""
    slow = Slow()
    passwords = Passwords(slow)
    started, refused = 18, []
    with ThreadPoolExecutor(started) as threads:
        running = [threads.submit(passwords.make, f"number {n}") for n in range(started)]
        assert wait_for(lambda: not passwords.places_left and slow.now == 2, 10)
        with pytest.raises(Busy) as busy:
            passwords.make("one too many")
        refused.append(busy.value)
        slow.go.set()
        done = [found.result(10) for found in running]

    assert (len(set(done)), slow.most) == (18, 2)
    assert (refused[0].code, refused[0].wait_s) == ("busy", 1)
    assert passwords.make("after") == "hash of after"


@pytest.mark.parametrize(
    "password", ["password1234", "Password2026!", "123456789012", "PenguinMails1", "abcabcabcabc"]
)
def test_the_first_guesses_are_refused(password: str) -> None:
    """Digits and marks at the end hide nothing."""
    with pytest.raises(Invalid, match="first that are tried"):
        check_choice(password, "ada@people.test")


@pytest.mark.parametrize("password", ["four kind penguins walk", "ééééàààà1234", "x" * 500 + "yzw"])
def test_what_is_long_enough_and_no_first_guess_is_taken(password: str) -> None:
    """There are no rules of composition."""
    check_choice(password, "ada@people.test")


@given(st.sampled_from([tokens.SESSION, tokens.VERIFY, tokens.RESET]))
def test_tokens_have_256_bits_and_no_two_are_alike(prefix: str) -> None:
    """43 characters of base64 after the prefix; the digest is no part of them."""
    made = {tokens.new_token(prefix) for _ in range(50)}

    assert len(made) == 50
    assert all(len(token) == len(prefix) + 43 and token.startswith(prefix) for token in made)
    assert len({tokens.digest(token) for token in made}) == 50


def test_recovery_codes_are_the_same_however_they_are_typed() -> None:
    """Capitals, blanks and hyphens make no difference."""
    for code in tokens.new_recovery_codes():
        typed = code.upper().replace("-", " ")
        assert tokens.code_digest(typed) == tokens.code_digest(code)
