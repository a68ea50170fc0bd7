"""Tenants with people, keys and staff in a test's own database, and requests as any of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
from fastapi import FastAPI

from adapters.memory import MemoryMail
from api.browsers import Origin
from api.commands import accounts, keys, logins, people, staff, tenants, workspaces
from api.commands.people import Place
from api.desk import Desk
from api.main import create_app
from api.wiring import Ports
from domain.access import PERMISSIONS, PLATFORM_PERMISSIONS
from domain.api_key import Grant
from domain.membership import Granter
from domain.platform import PLATFORM
from tests.api_kit import client_of, ports_of

PASSWORD = "seven cold penguins march"  # noqa: S105 - of tests alone
ALL = Granter(PERMISSIONS)


@dataclass(frozen=True)
class Person:
    """Somebody who logged in."""

    user_id: str
    address: str
    token: str = field(repr=False)


@dataclass
class House:
    """The API with its commands at hand."""

    app: FastAPI
    ports: Ports
    _made: int = 0

    @property
    def letters(self) -> list[Any]:
        assert isinstance(self.ports.identity.mail, MemoryMail)
        return self.ports.identity.mail.letters

    def desk(self, tenant_id: str) -> Desk:
        return self.ports.desks.at(tenant_id, "operator")

    def tenant(self, tenant_id: str) -> str:
        """A tenant that is called like its id."""
        tenants.ensure(self.desk(tenant_id), tenant_id)
        return tenant_id

    def workspace(self, tenant_id: str, name: str = "One") -> str:
        return workspaces.create(self.desk(tenant_id), name=name, now=now())[0]

    def person(
        self, tenant_id: str = "", role: str = "owner", workspace_ids: tuple[str, ...] | None = None
    ) -> Person:
        """Somebody with an account and a session; in the tenant, when one is named."""
        self._made += 1
        user_id, address = f"usr_{self._made}", f"person{self._made}@people.example"
        assert accounts.open_invited(self.ports.identity, user_id, address, PASSWORD)
        opened = logins.open_session(self.ports.identity, user_id, Origin("127.0.0.1", "test"))
        person = Person(user_id, address, opened.token)
        if tenant_id:
            self.admit(tenant_id, person, role, workspace_ids)
        return person

    def admit(
        self, tenant_id: str, person: Person, role: str, workspace_ids: tuple[str, ...] | None
    ) -> None:
        """Let somebody into one more tenant."""
        place = Place(role, workspace_ids)
        desk = self.desk(tenant_id)
        people.grant(desk, person.user_id, place, by=ALL, reason="operator", now=now())

    def key(self, tenant_id: str, role: str = "owner", **more: Any) -> keys.CreatedKey:
        """An API key of the tenant."""
        grant = Grant(role="" if more.get("scopes") else role, **more)
        return keys.create(self.desk(tenant_id), grant, name="a key", by=ALL, now=now())

    def staff(self, role: str) -> keys.CreatedKey:
        """Somebody of the platform; `text` is their token."""
        desk = self.desk(PLATFORM)
        return staff.add(
            desk, name="Eve", role=role, by=PERMISSIONS | PLATFORM_PERMISSIONS, now=now()
        )

    async def call(
        self, method: str, path: str, token: str, *, tenant: str = "", **more: Any
    ) -> httpx2.Response:
        """One request with a bearer token."""
        async with client_of(self.app, token, tenant) as client:
            return await client.request(method, path, **more)

    async def get(self, path: str, token: str, tenant: str = "") -> httpx2.Response:
        return await self.call("GET", path, token, tenant=tenant)

    async def post(self, path: str, token: str, body: Any = None) -> httpx2.Response:
        return await self.call("POST", path, token, json={} if body is None else body)


def now() -> datetime:
    """Rows are judged by Postgres's clock, so that this one must not stand."""
    return datetime.now(UTC)


@asynccontextmanager
async def house_of(dsn: str) -> AsyncIterator[House]:
    """The API over a migrated database."""
    async with ports_of(dsn, now=now) as ports:
        yield House(create_app(ports), ports)
