"""Browsers as clients: the session's cookie, and the check against forged requests (CSRF)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from adapters.identity import tokens
from adapters.identity.sessions import ABSOLUTE_S
from api.problems import Problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Site:
    """Where people reach us. `public_url` has no slash at its end."""

    public_url: str

    @property
    def secure(self) -> bool:
        """Over https. On plain http, which loopback alone should be, cookies cannot be Secure."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def cookie(self) -> str:
        """`__Host-`: the browser takes it from this host alone, over https, for every path."""
        return "__Host-pm" if self.secure else "pm"

    @property
    def origin(self) -> str:
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    def keep(self, answer: Response, token: str) -> None:
        """Let the browser keep a session's token where no script can read it."""
        answer.set_cookie(
            self.cookie,
            token,
            max_age=int(ABSOLUTE_S),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def forget(self, answer: Response) -> None:
        """Let the browser drop it."""
        answer.delete_cookie(
            self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def token_of(self, request: Request, authorization: str) -> str:
        """The bearer token of a request, or the session of its cookie; '' without either.

        A header wins: no browser adds it by itself. Only sessions come by cookie, never API keys.
        Raises Problem csrf for a request that changes something and may be another site's.
        """
        scheme, _, given = authorization.partition(" ")
        if scheme:
            return given.strip() if scheme.lower() == "bearer" else ""
        token = request.cookies.get(self.cookie, "")
        if not token.startswith(tokens.SESSION):
            return ""
        if request.method not in SAFE_METHODS:
            self.require_own(request)
        return token

    def require_own(self, request: Request) -> None:
        """Raises Problem csrf unless the browser says that one of our own pages asked.

        By Sec-Fetch-Site; browsers that do not send it tell the Origin.
        """
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin", "").lower()
        if site == "same-origin" or (site is None and origin == self.origin):
            return
        raise Problem("csrf", "a request with a cookie must come from a page of this site")


@dataclass(frozen=True)
class Origin:
    """Where a request comes from, as sessions show it to their owner."""

    ip: str
    agent: str


def origin_of(request: Request) -> Origin:
    """The client's IP (a proxy on loopback may name it) and what it calls itself."""
    ip = request.client.host if request.client else ""
    return Origin(ip, request.headers.get("user-agent", ""))
