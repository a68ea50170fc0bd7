"""Who listens to changes: one look per tenant and moment, whatever the number of its listeners."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import orjson
import structlog

from api import import_shows
from api.callers import Caller
from api.problems import Problem
from projections import changes
from projections.reads import Away, Reads

LOOK_EVERY_S = 0.7
HEARTBEAT_S = 15.0
#: Then a client comes back, by itself and with its position; so a key that was revoked ends too.
STREAM_MAX_S = 600.0
PER_TENANT_MAX = 20
QUEUE_MAX = 50  # looks that a slow client may be behind before its stream ends

log = structlog.get_logger()


@dataclass(frozen=True)
class Piece:
    """One thing that changed: who may hear of it, and the events that tell it."""

    key: str
    workspace_id: str | None  # None: of the tenant as a whole
    permission: str
    said: Any  # what is compared with what was told before
    events: tuple[tuple[str, Any], ...]


@dataclass
class News:
    """What one look found: the changes, and the position to come back with after them."""

    position: int
    pieces: list[Piece]


@dataclass
class Tenant:
    """The listeners of one tenant, and up to where they were told."""

    position: int = -1  # not known before its first listener's
    read: tuple[int, str, str] | None = None  # how far all had got when it was looked at last
    queues: set[asyncio.Queue[News | None]] = field(default_factory=set)
    told: dict[str, bytes] = field(default_factory=dict)  # key → what was said last


class Listeners:
    """Looks for changes while anybody listens, and tells them to all who do."""

    def __init__(self, reads: Reads, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._reads = reads
        self._look_every_s = look_every_s
        self._tenants: dict[str, Tenant] = {}
        self._looking: asyncio.Task[None] | None = None
        self.closed = False

    def close(self) -> None:
        """End every stream: clients come back elsewhere, or later."""
        self.closed = True
        for tenant in self._tenants.values():
            for queue in tenant.queues:
                _end(queue)

    async def stream(self, caller: Caller, last_id: int | None) -> AsyncGenerator[bytes, None]:
        """Server-sent events of what changes from now on, and before that since `last_id`."""
        with self._joined(caller.tenant_id) as (tenant, queue):
            async with self._reads.of(caller.tenant_id) as bound:
                if last_id is None:
                    news = News(await changes.position(bound), [])
                else:
                    news = _news(await changes.since(bound, last_id))
            if tenant.position < 0:
                tenant.position = news.position
            yield b"retry: 2000\n\n" + _written(news, caller, always=True)
            async for later in self._later(queue):
                yield _written(later, caller) if later else b": still here\n\n"

    async def _later(self, queue: asyncio.Queue[News | None]) -> AsyncIterator[News | None]:
        """News as it comes, None as a sign of life; ends with the stream's time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STREAM_MAX_S):
                while not self.closed:
                    try:
                        async with asyncio.timeout(HEARTBEAT_S):
                            news = await queue.get()
                    except TimeoutError:
                        yield None
                        continue
                    if news is None:
                        return
                    yield news

    def require_room(self, tenant_id: str) -> None:
        """Raises Problem for one listener too many."""
        tenant = self._tenants.get(tenant_id)
        if tenant and len(tenant.queues) >= PER_TENANT_MAX:
            raise Problem("too_many_streams", f"{PER_TENANT_MAX} streams of this tenant are open")

    @contextmanager
    def _joined(self, tenant_id: str) -> Iterator[tuple[Tenant, asyncio.Queue[News | None]]]:
        queue: asyncio.Queue[News | None] = asyncio.Queue(QUEUE_MAX)
        tenant = self._tenants.setdefault(tenant_id, Tenant())
        tenant.queues.add(queue)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())
        try:
            yield tenant, queue
        finally:
            tenant.queues.discard(queue)
            if not tenant.queues and self._tenants.get(tenant_id) is tenant:
                del self._tenants[tenant_id]

    async def _look_on(self) -> None:
        while self._tenants and not self.closed:
            try:
                await self._look()
            except Away:
                log.warning("changes_not_looked_for", reason="the database is away")
            await asyncio.sleep(self._look_every_s)

    async def _look(self) -> None:
        async with self._reads.of_nobody() as bound:
            read = await changes.read_to(bound)
        for tenant_id, tenant in list(self._tenants.items()):
            if tenant.position >= 0 and tenant.read != read:
                await self._tell(tenant_id, tenant)
                tenant.read = read

    async def _tell(self, tenant_id: str, tenant: Tenant) -> None:
        async with self._reads.of(tenant_id) as bound:
            news = _news(await changes.since(bound, tenant.position))
        tenant.position = news.position
        fresh = [piece for piece in news.pieces if _is_new(piece, tenant.told)]
        if fresh:
            for queue in tenant.queues:
                _put(queue, News(tenant.position, fresh))


def _news(found: changes.Since) -> News:
    campaigns = [_of_campaign(change) for change in found.campaigns]
    scopes = [_of_scope(scope) for scope in found.scopes]
    return News(found.position, [*campaigns, *chain(*map(_of_import, found.imports)), *scopes])


def _of_scope(scope: changes.Scope) -> Piece:
    row = scope.row
    key = f"volume {row['scope']} {row['scope_id']} {row['provider']}"
    own = scope.workspace_id if row["scope"] in {"campaign", "domain"} else None
    return Piece(key, own, "ips:read", row, (("volume.scope", row),))


def _of_campaign(change: changes.Change) -> Piece:
    """Counters first: who stops at "finished" has the last ones."""
    counters = ("campaign.counters", change.counters)
    state = ("campaign.state", change.state)
    return Piece(
        change.campaign_id,
        change.workspace_id,
        "campaigns:read",
        [change.state, change.counters],
        (counters, state) if change.decided else (counters,),
    )


def _of_import(moved: changes.Moved) -> Iterator[Piece]:
    """Its state only when that is another one; its progress once per look."""
    told = import_shows.shown(moved.row)
    progress = {"import_id": moved.import_id} | told.pop("progress")
    del told["object"]
    for name, said in (("import.progress", progress), ("import.state", told)):
        key = f"{moved.import_id} {name}"
        yield Piece(key, moved.workspace_id, "leads:read", said, ((name, said),))


def _is_new(piece: Piece, told: dict[str, bytes]) -> bool:
    """A row that was written anew may say what it said."""
    said = orjson.dumps(piece.said)
    known = told.get(piece.key) == said
    told[piece.key] = said
    return not known


def _put(queue: asyncio.Queue[News | None], news: News) -> None:
    if queue.full():
        _end(queue)  # it comes back with the position that it has, and nothing is lost
    else:
        queue.put_nowait(news)


def _end(queue: asyncio.Queue[News | None]) -> None:
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)


def _written(news: News, caller: Caller, *, always: bool = False) -> bytes:
    """As server-sent events. The position comes with the last one: before it, not all was told."""
    events = [
        _event(name, data)
        for piece in news.pieces
        if _may_hear(caller, piece)
        for name, data in piece.events
    ]
    if events or always:
        place = {"position": news.position}
        events.append(b"id: %d\n" % news.position + _event("position", place))
    return b"".join(events)


def _may_hear(caller: Caller, piece: Piece) -> bool:
    everyones = caller.workspace_ids is None or piece.workspace_id is None
    seen = everyones or piece.workspace_id in (caller.workspace_ids or ())
    return seen and caller.may(piece.permission)


def _event(name: str, data: object) -> bytes:
    body = orjson.dumps(data, option=orjson.OPT_UTC_Z)
    return b"event: " + name.encode() + b"\ndata: " + body + b"\n\n"
