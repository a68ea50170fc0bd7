"""A page of rows of the vault: keyset paging by one column, with a cursor for exactly this list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, LiteralString

from api.answers import Json, listed
from api.callers import Caller
from api.wiring import Ports

Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """A list: its query (of %(after)s and %(limit)s), the column that orders it, a row as shown."""

    query: LiteralString
    key: str
    shown: Callable[[Row], Row]

    async def page(
        self, ports: Ports, caller: Caller, cursor: str, limit: int, **filters: Any
    ) -> Json:
        """One page for a caller; only what its workspaces hold, where the query asks for them."""
        scope = (caller.tenant_id, self.key, *(f"{name}={filters[name]}" for name in filters))
        after = str(ports.cursors.read(scope, cursor)[0]) if cursor else ""
        async with ports.reads.of(caller.tenant_id) as bound:
            found = await bound.rows(
                self.query, after=after, limit=limit + 1, workspaces=seen_by(caller), **filters
            )
        more = len(found) > limit
        following = ports.cursors.make(scope, [found[limit - 1][self.key]]) if more else None
        return listed([self.shown(row) for row in found[:limit]], following)


def seen_by(caller: Caller) -> list[str] | None:
    """The only workspaces that a caller sees, as queries take them; None: all of them."""
    return None if caller.workspace_ids is None else sorted(caller.workspace_ids)
