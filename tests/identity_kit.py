"""People over HTTP in tests: a clock turned by hand, letters in memory, a person's steps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pyotp
from fastapi import FastAPI

from adapters.memory import MemoryMail
from api.main import create_app
from api.wiring import Ports
from tests.api_kit import BEGIN, ports_of

PASSWORD = "four kind penguins walk"  # noqa: S105 - of tests alone
ADDRESS = "ada@people.test"


@dataclass
class Clock:
    """Stands still until it is turned."""

    now: datetime = BEGIN

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True)
class People:
    """The API, its clock and the letters that it sent."""

    app: FastAPI
    ports: Ports
    clock: Clock
    mail: MemoryMail

    def client(self, **headers: str) -> httpx2.AsyncClient:
        """A client without a token unless one is among the headers."""
        transport = httpx2.ASGITransport(app=self.app)
        return httpx2.AsyncClient(transport=transport, base_url="http://api", headers=headers)

    async def post(self, path: str, session: str = "", /, **body: Any) -> httpx2.Response:
        async with self.client(**_bearer(session)) as client:
            return await client.post(path, json=body)

    async def get(self, path: str, session: str = "", **headers: str) -> httpx2.Response:
        async with self.client(**_bearer(session), **headers) as client:
            return await client.get(path)

    def token_of_letter(self) -> str:
        """The token in the link of the latest letter."""
        return self.mail.letters[-1].link.partition("#token=")[2]

    async def sign_up(self, address: str = ADDRESS, tenant: str = "Ada's") -> httpx2.Response:
        return await self.post(
            "/v1/auth/signup", address=address, password=PASSWORD, tenant_name=tenant
        )

    async def member(self, address: str = ADDRESS) -> str:
        """The token of a person who signed up, verified and logged in."""
        await self.sign_up(address)
        await self.post("/v1/auth/verify", token=self.token_of_letter())
        return await self.log_in(address)

    async def try_log_in(
        self, address: str = ADDRESS, password: str = PASSWORD, **more: Any
    ) -> httpx2.Response:
        return await self.post("/v1/auth/login", address=address, password=password, **more)

    async def log_in(self, address: str = ADDRESS, **more: Any) -> str:
        answer = await self.try_log_in(address, **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    async def with_totp(self, token: str) -> tuple[str, str, list[str]]:
        """Turn codes on; the seed, a fresh token and the recovery codes."""
        begun = await self.post("/v1/me/totp", token, password=PASSWORD)
        seed = begun.json()["seed"]
        done = await self.post("/v1/me/totp/confirm", token, code=self.code(seed))
        assert done.status_code == 200, done.text
        return seed, done.json()["token"], done.json()["recovery_codes"]

    def code(self, seed: str, steps: int = 0) -> str:
        """What an app shows now, or so many steps later."""
        return pyotp.TOTP(seed).at(
            int(self.clock.now.timestamp()) + steps * pyotp.TOTP(seed).interval
        )


def _bearer(session: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {session}"} if session else {}


@asynccontextmanager
async def people_of(dsn: str) -> AsyncIterator[People]:
    """People on a migrated database."""
    clock = Clock()
    async with ports_of(dsn, now=clock) as ports:
        mail = ports.identity.mail
        assert isinstance(mail, MemoryMail)
        yield People(create_app(ports), ports, clock, mail)
