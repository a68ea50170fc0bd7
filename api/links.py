"""Pages that the links of our own mail lead to.

What they do is the API's. A click is asked for: programs that look through mail follow links.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from api.people import page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class LinkPage:
    """What a page says, and where its button posts the link's token."""

    path: str
    title: str
    says: str
    button: str
    done: str
    asks_password: bool = False
    label: str = "New password"


VERIFY = LinkPage(
    path="/v1/auth/verify",
    title="Is this your address?",
    says="Confirm it, and your account can send.",
    button="Yes, it is mine",
    done="Thank you. You can log in and send.",
)
RESET = LinkPage(
    path="/v1/auth/reset",
    title="Choose another password",
    says="Every session of yours ends; then log in with the new password.",
    button="Change it",
    done="It is changed. Log in with it.",
    asks_password=True,
)
INVITATION = LinkPage(
    path="/v1/invitations/accept",
    title="Accept the invitation",
    says="Choose a password for a new account. If you have one, log in there and accept.",
    button="Come in",
    done="You are in. Log in with your address and this password.",
    asks_password=True,
    label="Password",
)


@router.get("/verify")
async def verify() -> HTMLResponse:
    """Where the mail that asks for an address leads."""
    return _shown(VERIFY)


@router.get("/reset")
async def reset() -> HTMLResponse:
    """Where the mail about a forgotten password leads."""
    return _shown(RESET)


@router.get("/invitation")
async def invitation() -> HTMLResponse:
    """Where an invitation leads."""
    return _shown(INVITATION)


def _shown(what: LinkPage) -> HTMLResponse:
    """The page, which may run its own script alone and talk to us alone."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(
        page("link.html", page=what, nonce=nonce),
        headers={
            "content-security-policy": policy,
            "referrer-policy": "no-referrer",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
    )
