"""The pages that mails lead to: each posts to a route that there is, and keeps its secret."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from api import links
from api.links import LinkPage
from api.main import ROUTERS

PAGES = {"/verify": links.VERIFY, "/reset": links.RESET, "/invitation": links.INVITATION}


async def asked(path: str) -> httpx2.Response:
    app = FastAPI()
    app.include_router(links.router)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        return await client.get(path)


@pytest.mark.parametrize(("path", "page"), PAGES.items())
async def test_a_page_runs_its_own_script_alone_and_posts_to_a_route(
    path: str, page: LinkPage
) -> None:
    """Looking at it changes nothing: what programs that scan mail fetch is only the page."""
    answer = await asked(path)
    routes: list[Any] = [route for module in ROUTERS for route in module.router.routes]
    posts = {route.path for route in routes if "POST" in route.methods}

    policy = answer.headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)
    assert nonce is not None
    assert f'<script nonce="{nonce[1]}">' in answer.text
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert f'data-path="{page.path}"' in answer.text
    assert page.path in posts


async def test_no_two_answers_share_a_nonce() -> None:
    """A cached one would let others' scripts in."""
    policies = {(await asked("/verify")).headers["content-security-policy"] for _ in range(3)}

    assert len(policies) == 3
