"""How long an answer may take: longer for a file that comes in, less while Postgres is away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from api import limits
from api.limits import InFlight


async def status(method: str, path: str, answer_max_s: float = 0.0, *, away: bool = False) -> int:
    """What comes of a request whose body is late; answers have so much time, files more."""
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
    bounded = InFlight(app, answer_max_s=answer_max_s, upload_max_s=30.0, away=lambda: away)
    asking = asyncio.ensure_future(bounded(scope, receive, send))
    for _ in range(10):
        await asyncio.sleep(0.001)
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


@pytest.mark.parametrize(
    ("path", "away", "expected"),
    [("/v1/leads", True, 503), ("/v1/leads", False, 201), ("/v1/imports", True, 201)],
)
async def test_in_an_outage_the_answer_comes_soon(
    monkeypatch: pytest.MonkeyPatch, path: str, *, away: bool, expected: int
) -> None:
    """However many steps of a command would each wait for Postgres; a file still comes in."""
    monkeypatch.setattr(limits, "AWAY_ANSWER_S", 0.0)

    assert await status("POST", path, 30.0, away=away) == expected


async def test_an_outage_that_begins_meanwhile_ends_the_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "AWAY_ANSWER_S", 0.0)
    monkeypatch.setattr(limits, "AWAY_LOOK_S", 0.001)
    looks = iter([False, False, True])
    told: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        told.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/v1/lists", "headers": []}
    await InFlight(app, away=lambda: next(looks))(scope, nothing, send)

    assert told[0]["status"] == 503
