"""Pages for people: where things are, and the API's documentation; nothing from outside."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.responses import HTMLResponse

from api.problems import KINDS
from api.wiring import PortsDep

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(ports: PortsDep) -> HTMLResponse:
    """Links to everything that there is to look at."""
    return HTMLResponse(page("home.html", links=ports.links))


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The API as a page, from the same description as /openapi.json."""
    described = request.app.openapi()
    return HTMLResponse(
        page("docs.html", api=described, groups=_groups(described), problems=KINDS.values())
    )


def _groups(described: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Operations by tag, each with what the page shows of it."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            shown = {"method": method.upper(), "path": path, **operation}
            shown["example"] = _example(operation["responses"])
            groups.setdefault(operation["tags"][0], []).append(shown)
    return groups


def _example(responses: dict[str, Any]) -> str:
    """The answer where all went well; '' where that has no body."""
    done: dict[str, Any] = next(
        (told for status, told in responses.items() if status.startswith("2")), {}
    )
    example = done.get("content", {}).get("application/json", {}).get("example")
    return "" if example is None else json.dumps(example, indent=2)


def page(name: str, **values: Any) -> str:
    """A template of api/pages, filled."""
    return _templates().get_template(name).render(**values)


@cache
def _templates() -> Environment:
    folder = Path(__file__).parent / "pages"
    return Environment(loader=FileSystemLoader(folder), autoescape=select_autoescape())
