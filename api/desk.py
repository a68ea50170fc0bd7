"""What a command works with: decisions and the vault, both bound to the caller's tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import dict_row

from adapters import postgres
from adapters.sealing import Seals
from domain.event import Event
from domain.ids import deriver, new_id
from domain.ports import CommandContext, Decided, Decider, Outcome, Reservation, Wanted

#: Where no key is given nothing can be sealed, and whoever tries is told the cure.
NO_SEALS = Seals.under("")

Connect = Callable[[], AbstractContextManager[Connection[Any]]]


@dataclass(frozen=True)
class Desk:
    """One command of one caller at work. Blocking: for `def` routes, threads and commands.

    `idempotency_key` is the caller's own: with it `fresh_id` gives the same ids again, so that a
    command whose answer was lost is not done twice.
    """

    tenant_id: str
    actor: str
    decider: Decider
    connect: Connect
    id_key: str
    idempotency_key: str = ""
    workspace_ids: frozenset[str] | None = None
    seals: Seals = NO_SEALS  # for secrets, before they are written
    correlation: str = ""  # the request's id: every decision of it carries that
    _numbers: Iterator[int] = field(default_factory=count)

    def decide(
        self,
        aggregate: Any,
        stream_id: str,
        decide: Callable[[Any], Sequence[Event]],
        *,
        reservations: Sequence[Reservation] = (),
    ) -> Decided:
        """Take one decision on an aggregate's module. Raises what `Decider.transact` raises."""
        return self.decider.transact(
            stream_id,
            aggregate.initial,
            aggregate.evolve,
            decide,
            tenant_id=self.tenant_id,
            actor=self.actor,
            correlation=self.correlation,
            reservations=reservations,
        )

    def decide_many(
        self, aggregate: Any, wanted: Sequence[tuple[str, Callable[[Any], Sequence[Event]]]]
    ) -> list[Outcome]:
        """A decision on each of these streams, in few transactions; the outcome of each, in order.

        One that is refused stops no other. Raises what `Decider.transact_many` raises.
        """
        context: CommandContext = {
            "tenant_id": self.tenant_id,
            "actor": self.actor,
            "correlation": self.correlation,
        }
        return self.decider.transact_many(
            [
                Wanted(stream_id, aggregate.initial, aggregate.evolve, decide, context)
                for stream_id, decide in wanted
            ]
        )

    def state(self, aggregate: Any, stream_id: str) -> Any:
        """The state of an aggregate now. Raises what `Decider.transact` raises."""
        seen = []

        def look(state: Any) -> Sequence[Event]:
            seen.append(state)
            return ()

        self.decide(aggregate, stream_id, look)
        return seen[-1]

    def derive(self, prefix: str, *parts: object) -> str:
        """The id of a thing that is named by its parts: naming it again gives the same id."""
        return deriver(self.id_key.encode(), prefix)(*parts)

    def fresh_id(self, prefix: str) -> str:
        """An id for what is created now; the same one when the caller repeats its request."""
        if not self.idempotency_key:
            return new_id(prefix)
        return self.derive(prefix, self.tenant_id, self.idempotency_key, next(self._numbers))

    @contextmanager
    def transaction(self) -> Iterator[Connection[Any]]:
        """A transaction that sees this tenant's rows and no others (I11)."""
        with self.connect() as conn, conn.transaction():
            postgres.set_tenant(conn, self.tenant_id)
            yield conn

    def rows(self, query: LiteralString, **values: Any) -> list[dict[str, Any]]:
        """The tenant's rows that a query finds; `tenant_id` is always among its values."""
        with self.transaction() as conn, conn.cursor(row_factory=dict_row) as cursor:
            cursor.execute(query, values | {"tenant_id": self.tenant_id})
            return cursor.fetchall()

    def write(self, statement: LiteralString, **values: Any) -> int:
        """One statement on the tenant's rows; how many it touched."""
        with self.transaction() as conn:
            return conn.execute(statement, values | {"tenant_id": self.tenant_id}).rowcount


@dataclass(frozen=True)
class Desks:
    """Makes desks. `connect` gives a connection under role pm_api for as long as it is held."""

    decider: Decider
    connect: Connect
    id_key: str
    seals: Seals = NO_SEALS

    def at(
        self,
        tenant_id: str,
        actor: str,
        *,
        idempotency_key: str = "",
        workspace_ids: frozenset[str] | None = None,
        correlation: str = "",
    ) -> Desk:
        return Desk(
            tenant_id=tenant_id,
            actor=actor,
            decider=self.decider,
            connect=self.connect,
            id_key=self.id_key,
            idempotency_key=idempotency_key,
            workspace_ids=workspace_ids,
            seals=self.seals,
            correlation=correlation,
        )
