"""Which routes a path may belong to: looked up by how it begins, instead of tried one by one.

Trying the routes of forty routers one after the other took up to a third of what an answer costs.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

DEPTH = 2  # segments of a path that are looked at: /v1/leads


def install(app: FastAPI) -> None:
    """Let requests find their routes by how their path begins. After the last route was added."""
    app.router.middleware_stack = Ways(app)


class Ways:
    """Hands a request to those routers, in their order, that have a path beginning like its own."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        routes = app.router.routes
        begins = [_begins(route) for route in routes]
        self._ways = {
            begin: self._router(
                [r for r, of in zip(routes, begins, strict=True) if _meets(begin, of)]
            )
            for begin in {begin for of in begins for begin in of}
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("router", self._app.router)
        await self.of(scope.get("path", "/")).app(scope, receive, send)

    def of(self, path: str) -> APIRouter:
        """The router of all routes that this path may belong to."""
        return self._ways.get(_begin(path), self._app.router)

    def _router(self, routes: Sequence[BaseRoute]) -> APIRouter:
        return APIRouter(routes=list(routes), dependency_overrides_provider=self._app)


Begin = tuple[str, ...]


def _begin(path: str) -> Begin:
    """`/v1/leads/ID` and `/v1/leads/` begin with v1, leads."""
    return tuple(path.strip("/").split("/", DEPTH)[:DEPTH])


def _begins(route: BaseRoute) -> set[Begin]:
    """How the paths of a route, or of a router's routes, begin; () where any path may be its."""
    inner = getattr(route, "original_router", None)
    routes = inner.routes if inner else [route]
    paths = [getattr(one, "path", "/{any}") for one in routes]
    return {_known(_begin(path)) for path in paths}


def _known(begin: Begin) -> Begin:
    """As far as it is the same for every path of a template."""
    return next((begin[:place] for place, part in enumerate(begin) if "{" in part), begin)


def _meets(begin: Begin, own: set[Begin]) -> bool:
    """Whether a path that begins like this may belong to who has these beginnings."""
    return any(begin[: len(one)] == one for one in own)
