"""Callers who show an API key: looked up at each request, so that a revoked one opens nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from api import key_tokens
from api.callers import Caller
from domain import api_key
from projections.reads import Reads

SQL = named_sql(Path(__file__).with_suffix(".sql"))


class ApiKeys:
    """`api.callers.Callers` of API keys."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def find(self, token: str, tenant_id: str) -> Caller | None:
        """As Callers.find. What is no key by its shape and CRC costs no look at Postgres."""
        shown = key_tokens.read(token)
        if shown is None or shown.kind == key_tokens.STAFF:
            return None
        async with self._reads.of_nobody() as bound:
            found = await bound.rows(SQL["living"], handle=shown.handle)
        if not found or not shown.fits(found[0]["hash"]):
            return None
        key = found[0]
        if tenant_id not in {"", key["tenant_id"]}:
            return None
        if not key["used_lately"]:
            await self._note_use(key)
        return _caller(key)

    async def _note_use(self, key: dict[str, Any]) -> None:
        async with self._reads.of(key["tenant_id"]) as bound:
            await bound.rows(SQL["used"], key_id=key["key_id"])


def _caller(key: dict[str, Any]) -> Caller:
    chosen = key["workspace_ids"]
    return Caller(
        tenant_id=key["tenant_id"],
        actor=key["key_id"],
        permissions=api_key.permissions(key["role"], key["scopes"], test=key["test"]),
        workspace_ids=None if chosen is None else frozenset(chosen),
    )
