"""Invitations by command: send, send again, revoke, accept. The link is in the mail alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import errors

from adapters.identity import tokens
from adapters.identity.accounts import address_key
from adapters.postgres import named_sql
from api.commands import accounts, people
from api.commands.accounts import Identity
from api.commands.people import Place, sight
from api.desk import Desk
from domain import invitation
from domain.access import permissions_of
from domain.membership import Granter
from domain.ports import Letter, LetterKind
from domain.refusals import Invalid, NotFound, Taken, WrongState

SQL = named_sql(Path(__file__).with_suffix(".sql"))
TOKEN = "pm_invite_"  # noqa: S105 - what such a token begins with
PAGE = "invitation"
LIFETIME_S = int(invitation.GOOD_FOR.total_seconds())
Row = dict[str, Any]


@dataclass(frozen=True)
class Accepted:
    """Who came into which tenant."""

    tenant_id: str
    user_id: str
    role: str
    position: int | None


def send(
    desk: Desk, identity: Identity, address: str, place: Place, *, by: Granter
) -> tuple[str, int | None]:
    """Invite somebody by mail; the invitation's id and the log's position.

    Raises Invalid for an address, or a place that `by` may not give; Taken for who is in or was
    invited already.
    """
    address, now = accounts.checked(address), identity.clock()
    invitation_id = desk.fresh_id("inv")
    _require_new(desk, invitation_id, address)
    stream = invitation.stream(invitation_id)
    invite = partial(
        invitation.send,
        tenant_id=desk.tenant_id,
        invitation_id=invitation_id,
        role=place.role,
        workspace_ids=place.workspace_ids,
        by=by,
        now=now,
    )
    position = desk.decide(invitation, stream, invite).position
    token = tokens.new_token(TOKEN)
    try:
        desk.write(
            SQL["keep"],
            invitation_id=invitation_id,
            address=address,
            address_key=address_key(address),
            role=place.role,
            workspace_ids=place.rows,
            token_hash=tokens.digest(token),
            actor=desk.actor,
            now=now,
            expires_at=now + invitation.GOOD_FOR,
        )
    except errors.UniqueViolation as error:  # somebody invited the same person at once
        desk.decide(invitation, stream, invitation.revoke)
        raise _taken() from error
    _mail(desk, identity, address, token)
    return invitation_id, position


def _require_new(desk: Desk, invitation_id: str, address: str) -> None:
    key = address_key(address)
    if desk.rows(people.SQL["at_address"], address_key=key):
        raise Taken("address: this person belongs to the tenant already; change their role")
    open_ones = desk.rows(SQL["open_at"], address_key=key)
    if [row for row in open_ones if row["invitation_id"] != invitation_id]:
        raise _taken()


def _taken() -> Taken:
    return Taken("address: this person was invited already; send that invitation again")


def resend(desk: Desk, identity: Identity, invitation_id: str, *, by: Granter) -> int | None:
    """Mail a fresh link, good for as long as at first; the older link is void.

    Raises NotFound, Invalid, WrongState.
    """
    row, now = one(desk, invitation_id), identity.clock()
    again = partial(invitation.resend, by=by, now=now)
    position = desk.decide(invitation, invitation.stream(invitation_id), again).position
    token = tokens.new_token(TOKEN)
    desk.write(
        SQL["renew"],
        invitation_id=invitation_id,
        token_hash=tokens.digest(token),
        expires_at=now + invitation.GOOD_FOR,
    )
    _mail(desk, identity, row["address"], token)
    return position


def revoke(desk: Desk, invitation_id: str) -> int | None:
    """Void it; repeating changes nothing. Raises NotFound; WrongState once it was accepted."""
    if one(desk, invitation_id)["state"] == invitation.OPEN:  # what takes away: the row first
        state = invitation.REVOKED
        desk.write(SQL["close"], invitation_id=invitation_id, state=state, user_id=None)
    return desk.decide(invitation, invitation.stream(invitation_id), invitation.revoke).position


def accept(identity: Identity, token: str, user_id: str) -> Accepted:
    """Let a person in by the link that they were sent. Once; the same person may repeat it.

    Raises Invalid for an unknown link, WrongState for one that is void or expired.
    """
    row = found(identity, token)
    desk = identity.desks.at(row["tenant_id"], user_id)
    if row["state"] == invitation.OPEN:
        _require_inviter(desk, row)
    stream = invitation.stream(row["invitation_id"])
    take = partial(invitation.accept, user_id=user_id, now=identity.clock())
    taken = desk.decide(invitation, stream, take)
    if row["state"] == invitation.ACCEPTED:  # a used link brings nobody in again who was removed
        return Accepted(desk.tenant_id, user_id, row["role"], taken.position)
    chosen = row["workspace_ids"]
    place = Place(row["role"], None if chosen is None else tuple(chosen))
    by = Granter(permissions_of(place.role))
    decided = people.grant(desk, user_id, place, by=by, reason="invited", now=identity.clock())
    state = invitation.ACCEPTED
    desk.write(SQL["close"], invitation_id=row["invitation_id"], state=state, user_id=user_id)
    return Accepted(desk.tenant_id, user_id, place.role, decided.position)


def accept_as_new(identity: Identity, token: str, password: str) -> Accepted:
    """As `accept`, for who has no account yet: the mail proved the address.

    Raises WrongState where the address has an account: its owner logs in and accepts.
    """
    row = found(identity, token)
    if row["state"] != invitation.OPEN or row["expires_at"] <= identity.clock():
        raise WrongState("token: the invitation is void or expired; ask for another one")
    _require_inviter(identity.desks.at(row["tenant_id"], ""), row)
    user_id = identity.desk("").fresh_id("usr")
    if not accounts.open_invited(identity, user_id, row["address"], password):
        raise WrongState("token: this address has an account; log in, then accept")
    return accept(identity, token, user_id)


def found(identity: Identity, token: str) -> Row:
    """The invitation that a link opens, whichever tenant's. Raises Invalid."""
    rows = identity.desk("").rows(SQL["by_link"], token_hash=tokens.digest(token))
    if not rows:
        raise Invalid("token: it is unknown or was replaced; use the newest mail")
    return rows[0]


def _require_inviter(desk: Desk, row: Row) -> None:
    """A person who invited somebody and may do so no longer has invited nobody."""
    if not row["invited_by"].startswith("usr_"):
        return
    places = desk.rows(SQL["place_of"], user_id=row["invited_by"])
    if not places or not permissions_of(row["role"]) <= permissions_of(places[0]["role"]):
        raise WrongState("token: who invited you may do so no longer; ask for another one")


def _mail(desk: Desk, identity: Identity, address: str, token: str) -> None:
    named = desk.rows(SQL["tenant_name"])
    fields = {"tenant_name": named[0]["label"]} if named else {}
    link = identity.link(PAGE, token)
    identity.mail.send(Letter(LetterKind.INVITATION, address, link, LIFETIME_S, fields))


def one(desk: Desk, invitation_id: str) -> Row:
    """An invitation of the tenant that this caller may see. Raises NotFound."""
    rows = desk.rows(SQL["one"], invitation_id=invitation_id, **sight(desk))
    if not rows:
        raise NotFound(invitation.NO_SUCH)
    return rows[0]


def page(desk: Desk, *, after: str, state: str, limit: int) -> list[Row]:
    """The tenant's invitations that this caller may see, the newest first."""
    return desk.rows(SQL["page"], after=after, state=state, limit=limit, **sight(desk))
