"""Routes are found by how a path begins: the same ones and refusals as by trying all of them."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Match

from api import main, ways


def tried(app: FastAPI, method: str, path: str) -> tuple[Match, Any]:
    """What trying all routes finds."""
    found: tuple[Match, Any] = (Match.NONE, None)
    for route in app.router.routes:
        match, _ = route.matches({"type": "http", "method": method, "path": path, "headers": []})
        if match == Match.FULL:
            return match, route
        if match == Match.PARTIAL and found[0] == Match.NONE:
            found = match, route
    return found


def paths_of(app: FastAPI) -> list[str]:
    return [path.replace("{", "").replace("}", "") for path in app.openapi()["paths"]]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_every_path_meets_the_route_that_trying_all_of_them_finds(method: str) -> None:
    app = main.create_app(None)
    narrow = app.router.middleware_stack
    assert isinstance(narrow, ways.Ways)
    for path in paths_of(app):
        whole = tried(app, method, path)
        only = FastAPI()
        only.router.routes[:] = narrow.of(path).routes
        assert tried(only, method, path) == whole, path


def small() -> FastAPI:
    """Routes of which one may begin with anything."""
    app, first, second = FastAPI(), APIRouter(), APIRouter()

    @first.get("/v1/leads/{lead_id}")
    async def lead(lead_id: str) -> str:
        return f"lead {lead_id}"

    @second.get("/v1/{kind}/latest")
    async def latest(kind: str) -> str:
        return f"latest of {kind}"

    app.include_router(second)
    app.include_router(first)
    ways.install(app)
    return app


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/v1/leads/one", 200, "lead one"),
        ("GET", "/v1/leads/latest", 200, "latest of leads"),  # whose router came first
        ("GET", "/v1/sends/latest", 200, "latest of sends"),
        ("GET", "/v1/leads/one/", 307, None),
        ("DELETE", "/v1/leads/one", 405, None),
        ("GET", "/v1/leads", 404, None),
        ("GET", "/v2", 404, None),
        ("GET", "/", 404, None),
    ],
)
async def test_templates_in_front_and_refusals_are_as_before(
    method: str, path: str, status: int, told: str | None
) -> None:
    transport = httpx2.ASGITransport(app=small())
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as asking:
        found = await asking.request(method, path)
    assert found.status_code == status
    assert told is None or found.json() == told
