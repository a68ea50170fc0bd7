"""Accounts in Postgres, and the tokens that stand for a person; secrets are hashed or sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.identity import tokens
from adapters.identity.rows import Rows
from adapters.sealing import Seals, field

SEED = "auth.account.totp_seed"
#: How long a link in a mail serves.
VERIFY_S, RESET_S = 24 * 3600, 3600
LIFETIME_S = {tokens.VERIFY: VERIFY_S, tokens.RESET: RESET_S}
PURPOSES = {tokens.VERIFY: "verify", tokens.RESET: "reset"}


def address_key(address: str) -> str:
    """Equal for addresses that are the same person's."""
    return address.lower()


@dataclass(frozen=True)
class Account:
    """A person's account. Holds personal data."""

    user_id: str
    address: str
    name: str
    password_hash: str
    created_at: datetime
    verified_at: datetime | None
    disabled_at: datetime | None
    totp_seed: bytes | None  # sealed
    totp_since: datetime | None

    @property
    def asks_for_code(self) -> bool:
        return self.totp_since is not None


@dataclass(frozen=True)
class Accounts:
    """What is known of people. Every method is one transaction."""

    rows: Rows
    seals: Seals

    def register(self, user_id: str, address: str, password_hash: str, now: datetime) -> bool:
        """Keep a new account; False when somebody has the address."""
        given = {"user_id": user_id, "address": address, "key": address_key(address)}
        found = self.rows.found("register", **given, password_hash=password_hash, now=now)
        return bool(found)

    def of(self, user_id: str) -> Account | None:
        return _account(self.rows.all("account_of", user_id=user_id))

    def at(self, address: str) -> Account | None:
        """The account with this address, however it is spelled."""
        return _account(self.rows.all("account_at", key=address_key(address)))

    def memberships(self, user_id: str) -> list[dict[str, Any]]:
        """Where the person may act: tenant_id, role, workspace_ids, since."""
        return self.rows.all("memberships_of", user_id=user_id)

    def rename(self, user_id: str, name: str) -> None:
        self.rows.all("rename", user_id=user_id, name=name)

    def verify(self, user_id: str, now: datetime) -> None:
        """The address is the person's. Repeating is safe."""
        self.rows.all("verify", user_id=user_id, now=now)

    def set_password(self, user_id: str, password_hash: str) -> None:
        """Ends every session and every reset link."""
        self.rows.all("set_password", user_id=user_id, password_hash=password_hash)

    def rehash(self, account: Account, password_hash: str) -> None:
        """The same password under newer parameters; nothing ends."""
        old = account.password_hash
        self.rows.all("rehash", user_id=account.user_id, old=old, new=password_hash)

    def set_disabled(self, user_id: str, at: datetime | None) -> None:
        """Keep the person out since then, or (None) let them in again. Ends every session."""
        self.rows.all("set_disabled", user_id=user_id, at=at)

    # ---- links in mails

    def new_link(self, prefix: str, user_id: str, now: datetime) -> str:
        """A token that serves once, for the purpose that its prefix names, for a while."""
        token = tokens.new_token(prefix)
        expires_at = now + timedelta(seconds=LIFETIME_S[prefix])
        kept = {"hash": tokens.digest(token), "purpose": PURPOSES[prefix], "user_id": user_id}
        self.rows.all("keep_one_time", **kept, now=now, expires_at=expires_at)
        return token

    def take_link(self, prefix: str, token: str, now: datetime) -> str:
        """Whose token it is; '' for one that is unknown, used or too old. It serves no more."""
        asked = {"hash": tokens.digest(token), "purpose": PURPOSES[prefix], "now": now}
        return self.rows.found("take_one_time", **asked) or ""

    # ---- the second factor

    def begin_totp(self, user_id: str, seed: str) -> bool:
        """Keep a seed that is to be confirmed; False when codes are asked for already."""
        sealed = self.seals.seal(seed.encode(), *_context(user_id))
        return bool(self.rows.found("begin_totp", user_id=user_id, seed=sealed))

    def seed_of(self, account: Account) -> str:
        """The seed of an account, or '' without one."""
        if account.totp_seed is None:
            return ""
        return self.seals.open(account.totp_seed, *_context(account.user_id)).decode()

    def confirm_totp(
        self, account: Account, counter: int, codes: Sequence[str], now: datetime
    ) -> bool:
        """Ask for codes from now on; False when the seed is another by now. Ends every session."""
        kept = {"user_id": account.user_id, "seed": account.totp_seed, "codes": _hashed(codes)}
        return bool(self.rows.found("confirm_totp", **kept, counter=counter, now=now))

    def disable_totp(self, user_id: str) -> None:
        """Ends every session; recovery codes go too."""
        self.rows.all("disable_totp", user_id=user_id)

    def use_totp(self, user_id: str, counter: int) -> bool:
        """Use a counter up; False when it, or a later one, was used before."""
        return bool(self.rows.found("use_totp", user_id=user_id, counter=counter))

    def replace_recovery_codes(self, user_id: str, codes: Sequence[str]) -> None:
        self.rows.all("replace_recovery_codes", user_id=user_id, codes=_hashed(codes))

    def take_recovery_code(self, user_id: str, code: str) -> bool:
        """Use a recovery code up; False for one that is unknown or used."""
        asked = {"user_id": user_id, "hash": tokens.code_digest(code)}
        return bool(self.rows.found("take_recovery_code", **asked))

    def recovery_codes_left(self, user_id: str) -> int:
        return int(self.rows.found("recovery_codes_left", user_id=user_id))


def _context(user_id: str) -> tuple[str, ...]:
    """A person belongs to no tenant: the seal is bound to the column and the person alone."""
    return field("", SEED, user_id)


def _hashed(codes: Sequence[str]) -> list[bytes]:
    return [tokens.code_digest(code) for code in codes]


def _account(rows: list[dict[str, Any]]) -> Account | None:
    if not rows:
        return None
    names = Account.__dataclass_fields__
    return Account(**{name: rows[0][name] for name in names})
