"""Logging in and out by command, and what a person does with passwords, codes and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from adapters.identity import passwords, sessions, tokens, totp
from adapters.identity.accounts import Account, address_key
from adapters.identity.passwords import Busy
from adapters.identity.sessions import Living, Opened
from adapters.identity.throttle import (
    LOGIN_OF_ALL,
    LOGIN_OF_IP,
    LOGIN_OF_USER,
    SECOND_FACTOR,
    Subject,
)
from api.browsers import Origin
from api.commands.accounts import Identity, as_kept, require
from api.problems import Problem
from domain import user
from domain.refusals import NotFound, WrongState

WRONG = "address or password is wrong"


@dataclass(frozen=True)
class Factor:
    """What somebody gives beside the password: a code of their app, or a recovery code."""

    code: str = ""
    recovery_code: str = ""

    def __bool__(self) -> bool:
        return bool(self.code or self.recovery_code)


def log_in(
    identity: Identity, address: str, password: str, factor: Factor, origin: Origin
) -> tuple[Account, Opened]:
    """A session for who gives the password, and a code where codes are asked for.

    Raises Problem login_failed alike for a wrong password, an unknown address and a disabled
    account, and totp_required; TooMany, Busy.
    """
    account = _known(identity, address, password, origin)
    if account.asks_for_code:
        if not factor:
            raise Problem("totp_required", "give the code of your app, or a recovery code")
        _require_factor(identity, account, factor)
    _renew_hash(identity, account, password)
    return account, open_session(identity, account.user_id, origin)


def _known(identity: Identity, address: str, password: str, origin: Origin) -> Account:
    """The account with this address and password; what fails counts, what succeeds does not."""
    address = as_kept(address)
    attempt_id = identity.throttle.attempt(
        identity.clock(),
        Subject("log-in of user", address_key(address), LOGIN_OF_USER),
        Subject("log-in from ip", origin.ip, LOGIN_OF_IP),
        Subject("log-in", "", LOGIN_OF_ALL),
    )
    account = identity.accounts.at(address)
    try:
        right = identity.passwords.check(password, account.password_hash if account else None)
    except Busy:
        identity.throttle.forgive(attempt_id)
        raise
    if account is None or not right or account.disabled_at is not None:
        raise Problem("login_failed", WRONG)
    identity.throttle.forgive(attempt_id)
    return account


def _renew_hash(identity: Identity, account: Account, password: str) -> None:
    """Hashes made with older parameters are made anew while the password is known."""
    if identity.passwords.is_outdated(account.password_hash):
        identity.accounts.rehash(account, identity.passwords.make(password))


def open_session(identity: Identity, user_id: str, origin: Origin) -> Opened:
    """A fresh session; its token is told once."""
    now, rows = identity.clock(), identity.accounts.rows
    opened = sessions.open_session(rows, user_id, ip=origin.ip, agent=origin.agent, now=now)
    if opened is None:  # disabled meanwhile
        raise Problem("login_failed", WRONG)
    return opened


def _require_factor(identity: Identity, account: Account, factor: Factor) -> None:
    """Raises Problem login_failed for a code that is wrong or was used; TooMany."""
    subject = Subject("second factor", account.user_id, SECOND_FACTOR)
    attempt_id = identity.throttle.attempt(identity.clock(), subject)
    if factor.code:
        right = _use_code(identity, account, factor.code)
    else:
        right = identity.accounts.take_recovery_code(account.user_id, factor.recovery_code)
    if not right:
        raise Problem("login_failed", "the code is wrong or was used before; give the next one")
    identity.throttle.forgive(attempt_id)
    if not factor.code:
        identity.decide(account.user_id, user.use_recovery_code)


def _use_code(identity: Identity, account: Account, code: str) -> bool:
    counter = totp.counter_of(identity.accounts.seed_of(account), code, identity.clock())
    return counter is not None and identity.accounts.use_totp(account.user_id, counter)


def log_out(identity: Identity, living: Living) -> None:
    """End the session that asks."""
    sessions.end(identity.accounts.rows, living.user_id, living.session_id)


def list_sessions(identity: Identity, living: Living) -> list[dict[str, Any]]:
    """The person's living sessions, newest first; `current` is the one that asks."""
    found = sessions.listed(identity.accounts.rows, living.user_id, identity.clock())
    return [
        {"object": "session"} | row | {"current": row["session_id"] == living.session_id}
        for row in found
    ]


def revoke(identity: Identity, living: Living, session_id: str) -> int | None:
    """End one of the person's sessions. Raises NotFound."""
    if not sessions.end(identity.accounts.rows, living.user_id, session_id):
        raise NotFound("session_id: there is no such session of yours")
    decide = partial(user.revoke_session, session_id=session_id, by=living.user_id)
    return identity.decide(living.user_id, decide)


# ---- what asks for the password, or a code, once more


def _again(identity: Identity, living: Living, password: str, origin: Origin) -> Account:
    """The person, who gave their password once more. Raises as `log_in`."""
    return _known(identity, require(identity, living.user_id).address, password, origin)


def prove(
    identity: Identity, living: Living, password: str, factor: Factor, origin: Origin
) -> datetime:
    """Prove once more who asks; until when dangerous commands need no other proof.

    Raises as `log_in`; NotFound for a session that ended meanwhile.
    """
    account = _again(identity, living, password, origin)
    if account.asks_for_code:
        if not factor:
            raise Problem("totp_required", "give the code of your app, or a recovery code")
        _require_factor(identity, account, factor)
    now = identity.clock()
    if not sessions.prove(identity.accounts.rows, living.user_id, living.session_id, now):
        raise NotFound("session_id: the session ended meanwhile; log in")
    return now + timedelta(seconds=sessions.FRESH_S)


def change_password(
    identity: Identity, living: Living, old: str, new: str, origin: Origin
) -> tuple[int | None, Opened]:
    """Another password. Every session ends; the person goes on in a fresh one."""
    account = _again(identity, living, old, origin)
    passwords.check_choice(new, account.address)
    password_hash = identity.passwords.make(new)
    position = identity.decide(living.user_id, partial(user.change_password, by="session"))
    identity.accounts.set_password(living.user_id, password_hash)
    return position, open_session(identity, living.user_id, origin)


def begin_totp(
    identity: Identity, living: Living, password: str, origin: Origin
) -> tuple[str, str]:
    """A seed for the person's app and its address for a QR code; nothing asks for codes yet."""
    account = _again(identity, living, password, origin)
    seed = totp.new_seed()
    if not identity.accounts.begin_totp(living.user_id, seed):
        raise WrongState("totp: it is on already; turn it off first")
    return seed, totp.setup_url(seed, account.address)


def confirm_totp(
    identity: Identity, living: Living, code: str, origin: Origin
) -> tuple[int | None, list[str], Opened]:
    """Ask for codes from now on, once one is right; gives the recovery codes, this once.

    Every session ends; the person goes on in a fresh one. Raises WrongState, Problem login_failed.
    """
    account = require(identity, living.user_id)
    if account.totp_seed is None or account.asks_for_code:
        raise WrongState("totp: there is nothing to confirm; begin first")
    subject = Subject("second factor", living.user_id, SECOND_FACTOR)
    attempt_id = identity.throttle.attempt(identity.clock(), subject)
    counter = totp.counter_of(identity.accounts.seed_of(account), code, identity.clock())
    if counter is None:
        raise Problem("login_failed", "the code is wrong; look at the clock of your phone")
    codes = tokens.new_recovery_codes()
    if not identity.accounts.confirm_totp(account, counter, codes, identity.clock()):
        raise WrongState("totp: it was begun anew meanwhile; use the newest seed")
    identity.throttle.forgive(attempt_id)
    position = identity.decide(living.user_id, user.enable_totp)
    return position, codes, open_session(identity, living.user_id, origin)


def disable_totp(
    identity: Identity, living: Living, password: str, factor: Factor, origin: Origin
) -> tuple[int | None, Opened]:
    """Ask for codes no more, for who gives the password and a code. Every session ends."""
    account = _with_code(identity, living, password, factor, origin)
    position = identity.decide(account.user_id, user.disable_totp)
    identity.accounts.disable_totp(account.user_id)
    return position, open_session(identity, account.user_id, origin)


def replace_recovery_codes(
    identity: Identity, living: Living, password: str, factor: Factor, origin: Origin
) -> tuple[int | None, list[str]]:
    """New recovery codes in place of the old ones, shown this once."""
    account = _with_code(identity, living, password, factor, origin)
    codes = tokens.new_recovery_codes()
    position = identity.decide(account.user_id, user.replace_recovery_codes)
    identity.accounts.replace_recovery_codes(account.user_id, codes)
    return position, codes


def _with_code(
    identity: Identity, living: Living, password: str, factor: Factor, origin: Origin
) -> Account:
    account = _again(identity, living, password, origin)
    if not account.asks_for_code:
        raise WrongState("totp: it is off; turn it on first")
    if not factor:
        raise Problem("totp_required", "give the code of your app, or a recovery code")
    _require_factor(identity, account, factor)
    return account
