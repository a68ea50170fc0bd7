"""Whatever meets a Postgres that is away, below any route: 503 and when to ask again, never 500."""

from __future__ import annotations

import httpx2
import psycopg
import psycopg_pool
import pytest
from fastapi import FastAPI

from api import problems


@pytest.mark.parametrize(
    "raised",
    [
        psycopg_pool.PoolTimeout("couldn't get a connection after 2.00 sec"),
        psycopg.OperationalError("server closed the connection unexpectedly"),
        psycopg.InterfaceError("the connection is closed"),
        psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"),
    ],
    ids=lambda raised: type(raised).__name__,
)
async def test_a_command_that_meets_an_outage_is_answered_503(raised: Exception) -> None:
    app = FastAPI()
    problems.install(app)

    @app.post("/v1/lists")
    def create() -> None:
        raise raised

    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post("/v1/lists")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
