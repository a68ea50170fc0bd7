"""A person about themselves: profile, sessions, password, second factor."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from adapters.identity.sessions import Living, Opened
from api import shapes_identity as shapes
from api.answers import Json, listed
from api.bodies import NAME_MAX, Body
from api.commands import accounts, logins
from api.commands.accounts import Identity
from api.commands.logins import Factor
from api.v1.auth import LINE, Code, Password, RecoveryCode
from api.v1.person import (
    CookieDep,
    IdentityDep,
    OriginDep,
    PersonDep,
    session_answer,
)
from domain.refusals import NotFound

router = APIRouter(prefix="/v1/me", tags=["me"])

SESSION_ID = re.compile(r"ses_[a-z2-7]{26}")
OwnName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=NAME_MAX, pattern=LINE),
    Field(description="how you want to be called", examples=["Ada"]),
]


class MeBody(Body):
    name: OwnName


class PasswordBody(Body):
    password: Password
    new_password: Password


class AgainBody(Body):
    password: Password


class ConfirmBody(Body):
    code: Code


class AgainWithCodeBody(Body):
    password: Password
    code: Code = ""
    recovery_code: RecoveryCode = ""

    @property
    def factor(self) -> Factor:
        return Factor(self.code, self.recovery_code)


@router.get("", responses=shapes.ME)
def get_me(living: PersonDep, identity: IdentityDep) -> Json:
    """Who you are and which tenants you may act in."""
    return Json(_me(identity, living))


@router.patch("", responses=shapes.ME)
def change_me(body: MeBody, living: PersonDep, identity: IdentityDep) -> Json:
    """Say how you want to be called."""
    identity.accounts.rename(living.user_id, body.name)
    return Json(_me(identity, living))


@router.get("/sessions", responses=shapes.SESSIONS)
def list_sessions(living: PersonDep, identity: IdentityDep) -> Json:
    """Where you are logged in, newest first; `current` is the session that asks."""
    return listed(logins.list_sessions(identity, living), None)


@router.delete("/sessions/{session_id}", responses=shapes.REVOKED)
def end_session(session_id: str, living: PersonDep, identity: IdentityDep) -> Json:
    """End one of your sessions: its token serves no more."""
    if not SESSION_ID.fullmatch(session_id):
        raise NotFound("session_id: there is no such session of yours")
    position = logins.revoke(identity, living, session_id)
    return Json({"object": "session", "session_id": session_id, "position": position})


@router.post("/proof", responses=shapes.PROOF)
def prove(
    body: AgainWithCodeBody, living: PersonDep, identity: IdentityDep, origin: OriginDep
) -> Json:
    """Give your password once more (and a code, if you use codes), before what is dangerous.

    Making and ending API keys, deleting or exporting a tenant want it to be no older than ten
    minutes. Logging in counts.
    """
    until = logins.prove(identity, living, body.password, body.factor, origin)
    return Json({"object": "proof", "session_id": living.session_id, "fresh_until": until})


@router.post("/password", responses=shapes.PASSWORD)
def change_password(
    body: PasswordBody,
    living: PersonDep,
    identity: IdentityDep,
    origin: OriginDep,
    cookie: CookieDep,
) -> Json:
    """Another password. Every session ends, and you go on in the one that is answered."""
    position, opened = logins.change_password(
        identity, living, body.password, body.new_password, origin
    )
    return _on(identity, living, opened, cookie, position=position)


@router.post("/totp", responses=shapes.TOTP_BEGUN)
def begin_totp(
    body: AgainBody, living: PersonDep, identity: IdentityDep, origin: OriginDep
) -> Json:
    """A seed for your authenticator app. Nothing changes until you confirm it with a code."""
    seed, setup_url = logins.begin_totp(identity, living, body.password, origin)
    return Json({"object": "totp", "seed": seed, "setup_url": setup_url})


@router.post("/totp/confirm", responses=shapes.TOTP_ON)
def confirm_totp(
    body: ConfirmBody,
    living: PersonDep,
    identity: IdentityDep,
    origin: OriginDep,
    cookie: CookieDep,
) -> Json:
    """Ask for a code at each log-in from now on. The recovery codes are shown this once."""
    position, codes, opened = logins.confirm_totp(identity, living, body.code, origin)
    return _on(identity, living, opened, cookie, position=position, recovery_codes=codes)


@router.post("/totp/disable", responses=shapes.TOTP_OFF)
def disable_totp(
    body: AgainWithCodeBody,
    living: PersonDep,
    identity: IdentityDep,
    origin: OriginDep,
    cookie: CookieDep,
) -> Json:
    """Ask for codes no more. Needs the password and one more code."""
    position, opened = logins.disable_totp(identity, living, body.password, body.factor, origin)
    return _on(identity, living, opened, cookie, position=position)


@router.post("/recovery-codes", responses=shapes.CODES)
def replace_recovery_codes(
    body: AgainWithCodeBody, living: PersonDep, identity: IdentityDep, origin: OriginDep
) -> Json:
    """Ten new recovery codes in place of the old ones, shown this once."""
    position, codes = logins.replace_recovery_codes(
        identity, living, body.password, body.factor, origin
    )
    return Json({"object": "recovery_codes", "recovery_codes": codes, "position": position})


def _me(identity: Identity, living: Living) -> dict[str, Any]:
    account = accounts.require(identity, living.user_id)
    places = accounts.places(identity, living.user_id)
    left = identity.accounts.recovery_codes_left(living.user_id)
    return accounts.shown(account, places) | {"recovery_codes_left": left}


def _on(identity: Identity, living: Living, opened: Opened, cookie: CookieDep, **told: Any) -> Json:
    """The session in which the person goes on, kept where the one that asked was kept."""
    account = accounts.require(identity, living.user_id)
    return session_answer(identity, account, opened, cookie, **told)
