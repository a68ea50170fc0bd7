"""Role by operation over all that the API serves: each operation asks for one permission."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant

from api import main
from api.wiring import AtDesk, May
from domain.access import PERMISSIONS, PLATFORM_PERMISSIONS, READ, ROLES, STAFF_ROLES
from tests.house_kit import House

pytestmark = pytest.mark.stack

#: Who asks is the person themselves, the holder of a link, or somebody who is nobody yet.
OF_NOBODY = re.compile(r"/v1/(auth|me)(/.*)?|/v1/invitations/accept|/health.*|/|/docs|/[a-z-]+")
#: These go on until somebody hangs up.
ENDLESS = {"/v1/live"}
#: What takes a file and no JSON.
FILES = {"/v1/suppressions/import": "text/csv"}
ALL_ROLES = dict(ROLES) | {f"staff {name}": granted for name, granted in STAFF_ROLES.items()}


def operations() -> Iterator[tuple[str, str, set[str]]]:
    """Method, path and the permissions that its dependencies ask for."""
    for module in main.ROUTERS:
        for route in module.router.routes:
            for method in sorted(getattr(route, "methods", ())):
                yield method, route.path, set(_asked(route.dependant))


def _asked(dependant: Dependant) -> Iterator[str]:
    if isinstance(dependant.call, May | AtDesk):
        yield dependant.call.permission
    for inner in dependant.dependencies:
        yield from _asked(inner)


OPERATIONS = list(operations())
GUARDED = [found for found in OPERATIONS if found[2]]


def test_every_operation_asks_for_a_permission_or_is_anybodys() -> None:
    """A route that somebody adds without one fails here."""
    open_ones = {path for _, path, asked in OPERATIONS if not asked}

    assert len(GUARDED) > 60
    assert not [path for path in open_ones if not OF_NOBODY.fullmatch(path)]


def test_what_changes_something_asks_for_more_than_looking() -> None:
    """And what only looks is not shut to those who may look."""
    writes = [found for found in GUARDED if found[0] in {"POST", "PUT", "PATCH", "DELETE"}]
    wrong = [
        (method, path, asked)
        for method, path, asked in writes
        if asked <= READ | {"tenants:read", "staff:read"} and not _only_asks(path)
    ]

    assert not wrong
    for method, path, asked in GUARDED:
        assert asked <= PERMISSIONS | PLATFORM_PERMISSIONS, (method, path)


def _only_asks(path: str) -> bool:
    """A question that is too long for an address comes as POST."""
    return bool(re.search(r"/(search|check|preview|lint|estimate|count|rates)$", path))


@pytest.mark.parametrize("role", ALL_ROLES)
async def test_an_operation_is_refused_to_who_lacks_its_permission(house: House, role: str) -> None:
    """Every cell of the table, over HTTP: 403 exactly where the role does not hold it."""
    name = role.removeprefix("staff ")
    token = (house.staff(name) if role in STAFF_KEYS else house.key("ten_a", name)).text
    headers = {"X-Staff-Reason": "incident"}
    wrong = []
    for method, path, asked in GUARDED:
        where = re.sub(r"{[^}]+}", "x_unknown", path)
        sent = headers | ({"content-type": FILES[path]} if path in FILES else {})
        more: dict[str, Any] = {"json": {}} if method in {"POST", "PUT", "PATCH"} else {}
        if path in FILES:
            more = {"content": b"address\n"}
        if path in ENDLESS and asked <= ALL_ROLES[role]:
            continue
        answer = await house.call(method, where, token, tenant="ten_a", headers=sent, **more)
        refused = answer.status_code == 403 and answer.json()["code"] == "forbidden"
        if refused != (not asked <= ALL_ROLES[role]):
            wrong.append((method, path, sorted(asked), answer.status_code))

    assert not wrong


STAFF_KEYS = {role for role in ALL_ROLES if role.startswith("staff ")}


def test_the_table_is_made_from_what_is_served(house: House) -> None:
    """Nothing is served that the table does not hold."""
    assert isinstance(house.app, FastAPI)
    served = {
        (method.upper(), path)
        for path, methods in house.app.openapi()["paths"].items()
        for method in methods
    }

    assert served <= {(method, path) for method, path, _ in OPERATIONS}
