"""Signing up, verifying, logging in and out, and passwords forgotten; all without a tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import Field, StringConstraints

from adapters.identity.passwords import BYTES_MAX
from api import shapes_identity as shapes
from api.answers import Json
from api.bodies import Body, Name
from api.commands import accounts, logins
from api.commands.accounts import Identity, SignUp
from api.commands.logins import Factor
from api.v1.person import IdentityDep, OriginDep, PersonDep, SiteDep, session_answer
from domain.ports import ConcurrentAppend, StoreUnavailable
from domain.refusals import Refused

log = structlog.get_logger()
router = APIRouter(prefix="/v1/auth", tags=["auth"])

LINE = r"^[^\x00-\x1f\x7f]*$"
Address = Annotated[
    str,
    StringConstraints(min_length=3, max_length=254, pattern=LINE),
    Field(description="an e-mail address", examples=["ada@example.com"]),
]
Password = Annotated[
    str,
    StringConstraints(min_length=1, max_length=BYTES_MAX),
    Field(description="12 characters or more", examples=["four kind penguins walk"]),
]
Token = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=LINE),
    Field(description="of the link in the mail, what follows `token=`"),
]
Code = Annotated[
    str,
    StringConstraints(max_length=6, pattern=r"^([0-9]{6})?$"),
    Field(description="that the app shows", examples=["123456"]),
]
RecoveryCode = Annotated[
    str,
    StringConstraints(max_length=50, pattern=LINE),
    Field(description="instead of a code", examples=["abcdef-ghijkm-npqrst-uvwxyz"]),
]


class SignUpBody(Body):
    address: Address
    password: Password
    tenant_name: Name


class AddressBody(Body):
    address: Address


class TokenBody(Body):
    token: Token


class ResetBody(Body):
    token: Token
    password: Password


class LoginBody(Body):
    """`cookie`: the browser keeps the token, and the answer does not tell it."""

    address: Address
    password: Password
    code: Code = ""
    recovery_code: RecoveryCode = ""
    cookie: bool = False


@router.post("/signup", status_code=202, responses=shapes.SIGNED_UP)
async def sign_up(body: SignUpBody, identity: IdentityDep, origin: OriginDep) -> Json:
    """A person with a tenant of their own. A mail tells how to go on.

    The answer is the same for an address that has an account, and takes as long; its owner is told
    by mail.
    """
    asked = SignUp(body.address, body.password, body.tenant_name)
    until = asyncio.get_running_loop().time() + identity.sign_up_takes_s
    await run_in_threadpool(accounts.sign_up, identity, asked, origin)
    await asyncio.sleep(until - asyncio.get_running_loop().time())
    return _sent()


@router.post("/verify", responses=shapes.VERIFIED)
def verify(body: TokenBody, identity: IdentityDep) -> Json:
    """Say that an address is yours, by the token that was mailed to it. It serves once."""
    position = accounts.verify(identity, body.token)
    return Json({"object": "user", "email_verified": True, "position": position})


@router.post("/resend-verification", status_code=202, responses=shapes.SENT)
def resend_verification(
    body: AddressBody, identity: IdentityDep, origin: OriginDep, later: BackgroundTasks
) -> Json:
    """Mail the link again, where one is still needed. The answer is the same for all."""
    accounts.count_request(identity, origin)
    later.add_task(_quietly, accounts.resend_verification, identity, body.address)
    return _sent()


@router.post("/reset-request", status_code=202, responses=shapes.SENT)
def ask_reset(
    body: AddressBody, identity: IdentityDep, origin: OriginDep, later: BackgroundTasks
) -> Json:
    """Mail a link to choose another password. The answer is the same for all."""
    accounts.count_request(identity, origin)
    later.add_task(_quietly, accounts.ask_reset, identity, body.address)
    return _sent()


@router.post("/reset", responses=shapes.RESET)
def reset(body: ResetBody, identity: IdentityDep, origin: OriginDep) -> Json:
    """Choose another password by the token that was mailed. Every session ends."""
    position = accounts.reset(identity, body.token, body.password, origin)
    return Json({"object": "user", "email_verified": True, "position": position})


@router.post("/login", responses=shapes.LOGGED_IN)
def log_in(
    body: LoginBody, request: Request, identity: IdentityDep, origin: OriginDep, here: SiteDep
) -> Json:
    """A session for who gives address and password; `totp_required` asks for a code as well."""
    if body.cookie:
        here.require_own(request)
    factor = Factor(body.code, body.recovery_code)
    account, opened = logins.log_in(identity, body.address, body.password, factor, origin)
    return session_answer(identity, account, opened, here if body.cookie else None)


@router.post("/logout", responses=shapes.LOGGED_OUT)
def log_out(living: PersonDep, identity: IdentityDep, here: SiteDep) -> Json:
    """End the session that asks: its token serves no more."""
    logins.log_out(identity, living)
    answer = Json({"object": "session", "session_id": living.session_id})
    here.forget(answer)
    return answer


def _sent() -> Json:
    return Json({"object": "letter"}, status_code=202)


def _quietly(send: Callable[[Identity, str], None], identity: Identity, address: str) -> None:
    """Send after the answer, which then takes no longer for an address that is known."""
    try:
        send(identity, address)
    except (Refused, StoreUnavailable, ConcurrentAppend) as error:  # they ask again
        log.warning("letter_not_sent", reason=type(error).__name__)
