"""Accounts by command: sign up, verify, reset, disable. Nobody learns whose addresses are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from psycopg import Connection

from adapters import postgres
from adapters.contacts.lead_rows import BadRow, check_address
from adapters.identity import passwords, tokens
from adapters.identity.accounts import RESET_S, VERIFY_S, Account, Accounts
from adapters.identity.passwords import Passwords
from adapters.identity.throttle import (
    LOGIN_OF_IP,
    MAIL_FROM_IP,
    MAIL_TO_USER,
    Subject,
    Throttle,
    TooMany,
)
from api.browsers import Origin
from api.commands import people, tenants
from api.desk import Desk, Desks
from domain import membership, user
from domain.access import PERMISSIONS
from domain.event import Event
from domain.platform import PLATFORM_TENANT
from domain.ports import Letter, LetterKind, SystemMail
from domain.refusals import Invalid, NotFound

KEYS_MADE = "SELECT * FROM app.keys_made_by(%(user_id)s)"
LABELS = "SELECT id, label FROM vault.label WHERE tenant_id = %(tenant_id)s AND id = ANY(%(ids)s)"


@dataclass(frozen=True)
class Identity:
    """What the commands about people work with."""

    accounts: Accounts
    passwords: Passwords
    throttle: Throttle
    mail: SystemMail
    desks: Desks
    clock: Callable[[], datetime]
    public_url: str  # without a slash at its end
    sign_up_takes_s: float = 0.0  # at least, so that nobody can tell a known address by the time

    def desk(self, actor: str) -> Desk:
        """Where facts about people stand: with the platform."""
        return self.desks.at(PLATFORM_TENANT, actor)

    def decide(
        self, user_id: str, decide: Callable[[user.State], Sequence[Event]], actor: str = ""
    ) -> int | None:
        """A decision about a person, their own unless an actor is named; the log's position."""
        return self.desk(actor or user_id).decide(user, user.stream(user_id), decide).position

    def link(self, page: str, token: str) -> str:
        """A link for a mail. What follows # never reaches a server's log or another site."""
        return f"{self.public_url}/{page}#token={token}"


@dataclass(frozen=True)
class SignUp:
    """What somebody who signs up gives. Holds personal data."""

    address: str
    password: str
    tenant_name: str


def checked(address: str) -> str:
    """The address as it will be used. Raises Invalid."""
    try:
        return check_address(address.strip())[0]
    except BadRow as bad:
        raise Invalid(f"address: {bad}; write it as you@example.com") from bad


def as_kept(address: str) -> str:
    """An address as accounts are found by it: however its domain was spelled, or as it is."""
    try:
        return checked(address)
    except Invalid:
        return address.strip()


def sign_up(identity: Identity, asked: SignUp, origin: Origin) -> None:
    """A new person with a tenant of their own, and a mail to verify the address.

    Whoever has the address already is told so by mail, and nothing changes. Raises Invalid,
    TooMany, Busy.
    """
    address = checked(asked.address)
    passwords.check_choice(asked.password, address)
    from_ip = Subject("sign-up from ip", origin.ip, MAIL_FROM_IP)
    identity.throttle.attempt(identity.clock(), from_ip)
    password_hash = identity.passwords.make(asked.password)
    known = identity.accounts.at(address)
    if known is None:
        user_id = _found(identity, asked.tenant_name)
        if register(identity, user_id, address, password_hash):
            send_verification(identity, user_id, address)
            return
        known = identity.accounts.at(address)
    if known is not None and _may_mail(identity, known):
        _send_reset(identity, known, LetterKind.KNOWN)


def _found(identity: Identity, tenant_name: str) -> str:
    """A tenant with its owner to be; returns the owner's user id.

    The account comes last: an address taken meanwhile leaves a tenant that nobody can enter.
    """
    user_id = identity.desk("").fresh_id("usr")
    tenant_id = identity.desk("").fresh_id("ten")
    desk = identity.desks.at(tenant_id, user_id)
    tenants.ensure(desk, tenant_name)
    owner, by = people.Place(membership.OWNER), membership.Granter(PERMISSIONS)
    people.grant(desk, user_id, owner, by=by, reason="signed_up", now=identity.clock())
    return user_id


def register(identity: Identity, user_id: str, address: str, password_hash: str) -> bool:
    """Keep an account under a fresh user id; False when somebody has the address.

    The event comes first: an account without one could never be verified.
    """
    identity.decide(user_id, partial(user.register, user_id=user_id))
    return identity.accounts.register(user_id, address, password_hash, identity.clock())


def open_invited(identity: Identity, user_id: str, address: str, password: str) -> bool:
    """An account for whom an invitation reached by mail, which proves the address.

    False when somebody has the address: they log in instead. Raises Invalid, Busy.
    """
    passwords.check_choice(password, address)
    made = register(identity, user_id, address, identity.passwords.make(password))
    if made:
        _mark_verified(identity, user_id)
    return made


def send_verification(identity: Identity, user_id: str, address: str) -> None:
    """Mail a link that verifies the address."""
    token = identity.accounts.new_link(tokens.VERIFY, user_id, identity.clock())
    link = identity.link("verify", token)
    identity.mail.send(Letter(LetterKind.VERIFY, address, link, VERIFY_S))


def resend_verification(identity: Identity, address: str) -> None:
    """Mail the link again, to who is not verified yet. Says nothing about anybody else."""
    known = identity.accounts.at(as_kept(address))
    if known and known.verified_at is None and _may_mail(identity, known):
        send_verification(identity, known.user_id, known.address)


def verify(identity: Identity, token: str) -> int | None:
    """Take a link of a mail: the address is the person's. Raises Invalid."""
    user_id = identity.accounts.take_link(tokens.VERIFY, token, identity.clock())
    if not user_id:
        raise Invalid("token: it is unknown, used or too old; ask for another mail")
    return _mark_verified(identity, user_id)


def _mark_verified(identity: Identity, user_id: str) -> int | None:
    position = identity.decide(user_id, user.verify_email)
    identity.accounts.verify(user_id, identity.clock())
    return position


def count_request(identity: Identity, origin: Origin) -> None:
    """Count a request for a mail. Raises TooMany."""
    subject = Subject("mail asked from ip", origin.ip, MAIL_FROM_IP)
    identity.throttle.attempt(identity.clock(), subject)


def ask_reset(identity: Identity, address: str) -> None:
    """Mail a link to choose another password, if there is such an account."""
    known = identity.accounts.at(as_kept(address))
    if known and known.disabled_at is None and _may_mail(identity, known):
        _send_reset(identity, known, LetterKind.RESET)


def _may_mail(identity: Identity, known: Account) -> bool:
    """Whether this person may get one more mail today; nobody is told that they may not."""
    try:
        subject = Subject("mail to user", known.user_id, MAIL_TO_USER)
        identity.throttle.attempt(identity.clock(), subject)
    except TooMany:
        return False
    return True


def _send_reset(identity: Identity, known: Account, kind: LetterKind) -> None:
    token = identity.accounts.new_link(tokens.RESET, known.user_id, identity.clock())
    link = identity.link("reset", token)
    identity.mail.send(Letter(kind, known.address, link, RESET_S))


def reset(identity: Identity, token: str, password: str, origin: Origin) -> int | None:
    """Choose a password by a link of a mail, which proves the address too; ends every session.

    Raises Invalid, TooMany, Busy.
    """
    passwords.check_choice(password, "")
    identity.throttle.attempt(identity.clock(), Subject("reset from ip", origin.ip, LOGIN_OF_IP))
    password_hash = identity.passwords.make(password)
    user_id = identity.accounts.take_link(tokens.RESET, token, identity.clock())
    if not user_id:
        raise Invalid("token: it is unknown, used or too old; ask for another mail")
    identity.decide(user_id, partial(user.change_password, by="reset"))
    identity.accounts.set_password(user_id, password_hash)
    return _mark_verified(identity, user_id)


def disable(identity: Identity, user_id: str, *, actor: str, reason: str) -> int | None:
    """Keep a person out of every tenant; ends every session. Raises NotFound."""
    require(identity, user_id)
    identity.accounts.set_disabled(user_id, identity.clock())
    return identity.decide(user_id, partial(user.disable, reason=reason), actor)


def enable(identity: Identity, user_id: str, *, actor: str, reason: str) -> int | None:
    """Let a person in again. Raises NotFound."""
    require(identity, user_id)
    position = identity.decide(user_id, partial(user.enable, reason=reason), actor)
    identity.accounts.set_disabled(user_id, None)
    return position


def named(identity: Identity, given: str) -> Account:
    """The account of this user id or address. Raises NotFound."""
    found = identity.accounts.at(as_kept(given)) if "@" in given else identity.accounts.of(given)
    if found is None:
        raise NotFound("user: there is no such user; give the id or the address of an account")
    return found


def keys_made(platform: Desk, user_id: str) -> list[dict[str, Any]]:
    """The living API keys that a person made, of every tenant, for a desk at the platform."""
    return platform.rows(KEYS_MADE, user_id=user_id)


def require(identity: Identity, user_id: str) -> Account:
    """The account of a person. Raises NotFound."""
    found = identity.accounts.of(user_id)
    if found is None:
        raise NotFound("user_id: there is no such user")
    return found


def places(identity: Identity, user_id: str) -> list[dict[str, Any]]:
    """Where the person may act, by the names that people know; `workspaces` None: all of them."""
    found = identity.accounts.memberships(user_id)
    with identity.desks.connect() as conn:
        return [place | _names(conn, place) for place in found]


def _names(conn: Connection[Any], place: Mapping[str, Any]) -> dict[str, Any]:
    """What the tenant calls itself and the workspaces, read as that tenant."""
    tenant_id, chosen = place["tenant_id"], place["workspace_ids"]
    values = {"tenant_id": tenant_id, "ids": [tenant_id, *(chosen or [])]}
    with conn.transaction():
        postgres.set_tenant(conn, tenant_id)
        labels = dict(conn.execute(LABELS, values).fetchall())
    workspaces = [{"workspace_id": one, "name": labels.get(one, "")} for one in chosen or []]
    return {
        "tenant_name": labels.get(tenant_id, ""),
        "workspaces": None if chosen is None else workspaces,
    }


def shown(account: Account, places: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A person as they see themselves."""
    return {
        "object": "user",
        "user_id": account.user_id,
        "address": account.address,
        "name": account.name,
        "email_verified": account.verified_at is not None,
        "totp_enabled": account.asks_for_code,
        "created_at": account.created_at,
        "memberships": list(places),
    }
