"""Compiled messages by campaign: content is read and compiled once, then only slots are filled."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import psycopg
import structlog
from psycopg import AsyncConnection

from adapters.postgres import named_sql
from domain.campaign import SIGNATURES
from domain.ports import Renderer

SQL = named_sql(Path(__file__).with_name("claim.sql"))
KEPT_MAX = 256
#: So that a key taken out of use is out of use within a minute.
COMPILED_AGE_MAX_S = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SigningKey:
    """A DKIM key of the sending domain; `private_key` as the vault keeps it: sealed."""

    domain_id: str
    selector: str
    algorithm: str
    private_key: bytes


@dataclass(frozen=True)
class Brief:
    """All that compiling a campaign's message takes from the vault and the release."""

    tenant_id: str
    campaign_id: str
    content: Mapping[str, Any]
    sender_address: str
    sender_name: str
    message_class: str
    launched_at: datetime
    keys: tuple[SigningKey, ...]


Compile = Callable[[Brief], Renderer]


class Wanted(Protocol):
    """What names a campaign's message."""

    @property
    def tenant_id(self) -> str: ...
    @property
    def campaign_id(self) -> str: ...
    @property
    def content_id(self) -> str: ...
    @property
    def sender_id(self) -> str: ...
    @property
    def domain_id(self) -> str: ...
    @property
    def sign(self) -> str: ...
    @property
    def message_class(self) -> str: ...
    @property
    def launched_at(self) -> datetime: ...


class Skeletons:
    """The compiled messages in use lately."""

    def __init__(self, compile_brief: Compile) -> None:
        self._compile = compile_brief
        self._kept: OrderedDict[tuple[str, ...], tuple[float, Renderer]] = OrderedDict()

    async def of(self, conn: AsyncConnection[Any], wanted: Wanted) -> Renderer | None:
        """The campaign's message, in the running tenant transaction; None: it cannot be made."""
        key = (wanted.tenant_id, wanted.campaign_id, wanted.content_id, wanted.sender_id)
        kept = self._kept.get(key)
        if kept is None or time.monotonic() - kept[0] > COMPILED_AGE_MAX_S:
            renderer = await self._made(conn, wanted)
            if renderer is None:
                return None
            kept = self._kept[key] = (time.monotonic(), renderer)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return kept[1]

    async def _made(self, conn: AsyncConnection[Any], wanted: Wanted) -> Renderer | None:
        """A message that cannot be made holds up its own campaign alone."""
        try:
            return self._compile(await _brief(conn, wanted))
        except psycopg.Error:
            raise
        except Exception:
            log.exception("message_not_made", campaign_id=wanted.campaign_id)
            return None


async def _brief(conn: AsyncConnection[Any], wanted: Wanted) -> Brief:
    names = {"content_id": wanted.content_id, "sender_id": wanted.sender_id}
    content = await (await conn.execute(SQL["content"], names)).fetchone()
    if content is None:
        raise LookupError("its content or its sender is not in the vault")
    return Brief(
        tenant_id=wanted.tenant_id,
        campaign_id=wanted.campaign_id,
        content=content[0],
        sender_address=content[1],
        sender_name=content[2],
        message_class=wanted.message_class,
        launched_at=wanted.launched_at,
        keys=await _keys(conn, wanted),
    )


async def _keys(conn: AsyncConnection[Any], wanted: Wanted) -> tuple[SigningKey, ...]:
    """The keys to sign with. LookupError when one is missing: unsigned mail is no substitute."""
    algorithms = list(SIGNATURES[wanted.sign])
    values = {"domain_id": wanted.domain_id, "algorithms": algorithms}
    cursor = await conn.execute(SQL["keys"], values)
    keys = tuple(SigningKey(wanted.domain_id, *key) for key in await cursor.fetchall())
    missing = set(algorithms) - {key.algorithm for key in keys}
    if missing:
        raise LookupError(f"the sending domain has no key for {', '.join(sorted(missing))}")
    return keys
