"""How answers are written: JSON by orjson, lists in one shape, each with its request's id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.ids import new_id

GIVEN_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,64}")


class Json(Response):
    """An answer from plain data. Times are UTC with microseconds, ending in Z."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, option=orjson.OPT_UTC_Z)


def listed(data: Sequence[Any], next_cursor: str | None, **extra: Any) -> Json:
    """A page of a list; `next_cursor` is None at its end."""
    shape = {"object": "list", "data": data, "has_more": next_cursor is not None}
    return Json(shape | {"next_cursor": next_cursor} | extra)


class RequestIds:
    """Gives each request an id, the caller's own if it has a decent one, and echoes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"request-id"), b"")
        request_id = given.decode() if GIVEN_ID.fullmatch(given) else new_id("key")
        scope["request_id"] = request_id

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["request-id"] = request_id
            await send(message)

        await self._app(scope, receive, answer)
