"""How answers are written: JSON by orjson, lists in one shape, each with its request's id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.ids import new_id

#: OWASP's list for answers that no browser runs, and for our own pages, which load nothing.
SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-site",
}
DATA = "default-src 'none'; frame-ancestors 'none'"
PAGE = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HSTS = "max-age=31536000; includeSubDomains"
CSP, CACHE = b"content-security-policy", b"cache-control"
PAGE_LINE, DATA_LINE = PAGE.encode(), DATA.encode()
Line = tuple[bytes, bytes]
GIVEN_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,64}")


class Json(Response):
    """An answer from plain data. Times are UTC with microseconds, ending in Z."""

    media_type = "application/json"

    def __init__(self, content: Any = None, status_code: int = 200, **options: Any) -> None:
        super().__init__(content, status_code, **options)
        position = content.get("position") if isinstance(content, dict) else None
        if isinstance(position, int):  # of a command: what a question may wait for
            self.headers["pm-position"] = str(position)

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, option=orjson.OPT_UTC_Z)


def listed(data: Sequence[Any], next_cursor: str | None, **extra: Any) -> Json:
    """A page of a list; `next_cursor` is None at its end."""
    shape = {"object": "list", "data": data, "has_more": next_cursor is not None}
    return Json(shape | {"next_cursor": next_cursor} | extra)


def carried(scope: Scope) -> dict[str, str]:
    """Headers that the answer to this request will carry, whatever it turns out to be."""
    found: dict[str, str] = scope.setdefault("pm.headers", {})
    return found


class RequestIds:
    """Gives each request an id, the caller's own if it has a decent one, and echoes it.

    It also sets what browsers are to know of every answer, and what was put into `carried`.
    """

    def __init__(self, app: ASGIApp, *, secure: bool = False) -> None:
        self._app = app
        self._always = SECURITY | ({"strict-transport-security": HSTS} if secure else {})
        self._lines = _lines(self._always)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"request-id"), b"")
        request_id = given.decode() if GIVEN_ID.fullmatch(given) else new_id("key")
        scope["request_id"] = request_id
        carried(scope)["request-id"] = request_id

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._headers(scope, message["headers"])}
            await send(message)

        await self._app(scope, receive, answer)

    def _headers(self, scope: Scope, given: Iterable[tuple[bytes, bytes]]) -> list[Line]:
        """Those of the answer; what is set here wins over what it has of the same name."""
        told = carried(scope)
        kept = [(name, value) for name, value in given if not self._sets(name, told)]
        has = dict(kept)
        if CSP not in has:
            page = has.get(b"content-type", b"").startswith(b"text/html")
            kept.append((CSP, PAGE_LINE if page else DATA_LINE))
        if CACHE not in has and scope["path"].startswith("/v1"):
            kept.append((CACHE, b"no-store"))  # tenants' answers lie in no cache
        return [*kept, *self._lines, *_lines(told)]

    def _sets(self, name: bytes, told: Mapping[str, str]) -> bool:
        text = name.decode("latin-1").lower()
        return text in self._always or text in told


def _lines(headers: Mapping[str, str]) -> list[Line]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
