"""Claims a release: from here on its sends are ours to attempt, and nobody else's (I4)."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from adapters.postgres import named_sql, tenant_tx
from domain.courtesy import Courtesy
from domain.fatigue import Fatigue
from domain.governor.draft import fresh
from domain.indexes import Ranges, multirange
from domain.ports import NextHop, Renderer
from domain.sending import SliceReleased
from domain.suppression import hash_key
from streams.dispatching.claim_fatigue import Attempt, Delay, charge
from streams.dispatching.skeletons import Skeletons

SQL = named_sql(Path(__file__).with_name("claim.sql"))

Connection = AsyncConnection[Any]


@dataclass(frozen=True)
class Release:
    """A claimed row and what its campaign says; the field names are the query's."""

    release_id: str
    batch_id: str
    tenant_id: str
    campaign_id: str
    step: int
    n: int
    ip: str
    provider: str
    ranges: Any  # psycopg's Multirange
    cap_day: date
    cap_per_day: int | None
    uses: list[str]
    deadline_at: datetime
    left_s: float
    content_id: str
    sender_id: str
    domain_id: str
    sign: str
    message_class: str
    workspace_id: str
    launched_at: datetime
    source: str
    route: str
    relay_host: str
    relay_port: int
    governed: bool = False
    connections: int | None = None  # of the governor's pace; None: it decided none yet
    per_connection: int | None = None
    fatigue_per_day: int | None = None  # None: the tenant sets no limit to contacts' mail
    fatigue_gap_h: int | None = None

    @property
    def indexes(self) -> Ranges:
        """The sends of the batch that it holds."""
        return [[part.lower, part.upper] for part in self.ranges]

    @property
    def courtesy(self) -> Courtesy | None:
        """What the governor lets its cell take of connections; None: the lanes' own bounds."""
        if not self.governed:
            return None
        begins = fresh("", "cell", self.ip, self.provider, None).pace
        connections = self.connections or int(begins.connections)
        per_connection = self.per_connection or begins.per_connection
        return Courtesy(f"{self.ip}/{self.provider}", connections, per_connection)

    @property
    def fatigue(self) -> Fatigue | None:
        """How much of such mail a contact may get; None: as much as comes."""
        if self.fatigue_per_day is None or self.message_class != "bulk":
            return None
        return Fatigue(self.fatigue_per_day, self.fatigue_gap_h or 0)

    @property
    def relay(self) -> NextHop | None:
        """The next hop of a relay route; None: the recipients' MX decide."""
        return NextHop(self.relay_host, self.relay_port) if self.route == "relay" else None


@dataclass(frozen=True)
class Recipient:
    """One send's contact as it is now."""

    index: int
    contact_id: str
    address: str | None  # None: erased
    domain: str | None
    fields: str | None  # JSON
    suppressed: str | None  # why, and in which scope where that is not the tenant's
    absent: bool = False  # an earlier attempt found no such domain
    put_off: Delay | None = None  # the contact had enough mail lately

    @property
    def mailable(self) -> bool:
        return self.address is not None and self.suppressed is None


@dataclass(frozen=True)
class Slice:
    """What a claim gives: the release, whom it goes to, and until when."""

    release: Release
    recipients: list[Recipient]
    renderer: Renderer | None  # None: its mail cannot be made; the cause was logged
    deadline: float  # time.monotonic() seconds


class Claims:
    """The only way to attempt sends. `pool`: role pm_dispatcher."""

    def __init__(
        self,
        pool: AsyncConnectionPool[Connection],
        skeletons: Skeletons,
        *,
        id_key: str,
        owner: str,
        journal: str,
        slice_deadline_s: float,
        freshness_max_s: float,
        stack_id: str = "",
    ) -> None:
        """`stack_id`: which stack claims; only the holder of send authority gets anything."""
        self._pool, self._skeletons = pool, skeletons
        self._hash_key = hash_key(id_key)
        self._values = {
            "owner": owner,
            "journal": journal,
            "slice_deadline_s": slice_deadline_s,
            "freshness_max_s": freshness_max_s,
            "stack_id": stack_id,
        }

    async def take(self, hint: SliceReleased, token: str) -> Slice | None:
        """Claim the release of a hint; None when it is not to be had or may not be sent now.

        The deadline's clock starts before the claim is sent, so it never runs later than the row's.
        Raises what Postgres raises; then it may have been taken, and the same token takes it again.
        """
        asked = time.monotonic()
        async with self._pool.connection() as conn, tenant_tx(conn, hint.tenant_id):
            values = self._values | {"release_id": hint.release_id, "token": token}
            release = await self._one(conn, "claim", values)
            if release is None:
                return None
            renderer = await self._skeletons.of(conn, release)
            recipients = await self._recipients(conn, release)
            if release.fatigue and renderer:
                recipients = await _charged(conn, release, release.fatigue, recipients)
        return Slice(release, recipients, renderer, asked + release.left_s)

    async def owned(self, hint: SliceReleased, token: str) -> Release | None:
        """The release if the token holds it, claim answered or not."""
        async with self._pool.connection() as conn, tenant_tx(conn, hint.tenant_id):
            return await self._one(conn, "owned", {"release_id": hint.release_id, "token": token})

    @staticmethod
    async def _one(conn: Connection, query: str, values: dict[str, Any]) -> Release | None:
        async with conn.cursor(row_factory=class_row(Release)) as cursor:
            await cursor.execute(SQL[query], values)
            return await cursor.fetchone()

    async def _recipients(self, conn: Connection, release: Release) -> list[Recipient]:
        values = {
            "batch_id": release.batch_id,
            "n": release.n,
            "ranges": multirange(release.indexes),
            "hash_key": self._hash_key,
            "workspace_id": release.workspace_id,
            "message_class": release.message_class,
        }
        cursor = await conn.execute(SQL["recipients"], values)
        return [Recipient(*row) for row in await cursor.fetchall()]


async def _charged(
    conn: Connection, release: Release, limit: Fatigue, recipients: list[Recipient]
) -> list[Recipient]:
    """The recipients, each either charged with this mail or put off; who gets none is neither."""
    attempt = Attempt(release.batch_id, release.n, release.deadline_at)
    wanted = [one.contact_id for one in recipients if one.mailable]
    delays = await charge(conn, limit, attempt, wanted)
    return [replace(one, put_off=delays.get(one.contact_id)) for one in recipients]
