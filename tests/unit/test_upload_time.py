"""A file may take longer to come in than a JSON body to be answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.limits import InFlight


async def status(method: str, path: str) -> int:
    """What comes of a request whose body never ends, where answers have no time and files have."""
    told: list[Message] = []
    let_go = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        await let_go.wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": []}
    bounded = InFlight(app, answer_max_s=0.0, upload_max_s=30.0)
    asking = asyncio.ensure_future(bounded(scope, receive, send))
    for _ in range(10):
        await asyncio.sleep(0)
    let_go.set()
    await asking
    return int(told[0]["status"])


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/imports", 201),
        ("POST", "/v1/suppressions/import", 201),
        ("GET", "/v1/imports", 503),
        ("POST", "/v1/leads", 503),
    ],
)
async def test_a_file_has_its_own_time(method: str, path: str, expected: int) -> None:
    assert await status(method, path) == expected
