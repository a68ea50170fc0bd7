"""What the commands of this folder work with: decisions, the vault, derived ids."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar, Unpack

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

import api.desk
from adapters import postgres
from adapters.event_store import EventStore, NotCompared
from domain.event import Event
from domain.ids import deriver
from domain.ports import CommandContext, Decided, Decider, Outcome, Reservation, S, Wanted
from ops.errors import Missing
from ops.where import Where

ACTOR = "operator"
T = TypeVar("T")

#: The relay compares store and log within a second after Postgres has started.
RELAY_PATIENCE_S, RELAY_POLL_S = 10.0, 0.1


@dataclass(frozen=True)
class Patient:
    """A Decider that waits a while for the relay, which has only just started."""

    decider: Decider
    patience_s: float

    def transact(
        self,
        stream_id: str,
        initial: S,
        evolve: Callable[[S, Event], S],
        decide: Callable[[S], Sequence[Event]],
        **context: Unpack[CommandContext],
    ) -> Decided:
        """As Decider.transact.

        Raises Missing when the relay does not compare store and log in time: a store that was
        restored must not be decided on (design-fixes.md 6).
        """
        return self._patiently(
            lambda: self.decider.transact(stream_id, initial, evolve, decide, **context)
        )

    def transact_many(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """As Decider.transact_many; Missing as of `transact`."""
        return self._patiently(lambda: self.decider.transact_many(wanted))

    def _patiently(self, take: Callable[[], T]) -> T:
        until = time.monotonic() + self.patience_s
        while True:
            try:
                return take()
            except NotCompared as error:
                if time.monotonic() >= until:
                    raise Missing(f"{error}: `penguin status`, and the relay's log") from error
                time.sleep(RELAY_POLL_S)


@dataclass(frozen=True)
class Desk:
    """One command at work. `vault` is bound to a tenant per transaction."""

    where: Where
    decider: Decider
    vault: Connection[TupleRow]
    patience_s: float = RELAY_PATIENCE_S

    def of(self, tenant_id: str) -> api.desk.Desk:
        """A desk for the commands that HTTP has too, bound to one tenant."""
        return api.desk.Desk(
            tenant_id=tenant_id,
            actor=ACTOR,
            decider=Patient(self.decider, self.patience_s),
            connect=lambda: nullcontext(self.vault),
            id_key=self.where.id_key,
            seals=self.where.seals,
        )

    def derive(self, prefix: str, *parts: object) -> str:
        """The id of a thing that is named by its parts: naming it again gives the same id."""
        return deriver(self.where.id_key.encode(), prefix)(*parts)

    def decide(
        self,
        aggregate: Any,
        stream_id: str,
        decide: Callable[[Any], Sequence[Event]],
        *,
        tenant_id: str,
        command_id: str = "",
        reservations: Sequence[Reservation] = (),
    ) -> Decided:
        """Take one decision on an aggregate's module. Raises what `Patient.transact` raises."""
        return Patient(self.decider, self.patience_s).transact(
            stream_id,
            aggregate.initial,
            aggregate.evolve,
            decide,
            tenant_id=tenant_id,
            command_id=command_id,
            actor=ACTOR,
            reservations=reservations,
        )

    def write(self, tenant_id: str, statement: str, values: Sequence[object]) -> None:
        """One statement on the tenant's rows of the vault."""
        with self.vault.transaction():
            postgres.set_tenant(self.vault, tenant_id)
            self.vault.execute(statement.encode(), values)

    def read(
        self, tenant_id: str, statement: str, values: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        """The tenant's rows that a query finds."""
        with self.vault.transaction():
            postgres.set_tenant(self.vault, tenant_id)
            return self.vault.execute(statement.encode(), values).fetchall()


@contextmanager
def open_desk(where: Where, patience_s: float = RELAY_PATIENCE_S) -> Iterator[Desk]:
    """A desk at a running stack. Raises Missing when its database does not answer."""
    try:
        vault = postgres.connect_sync(where.dsn, "pm_worker", connect_timeout=5)
    except psycopg.OperationalError as error:
        cure = "`penguin up` starts it, or set PM_DATABASE_URL"
        raise Missing(f"Postgres does not answer: {cure} ({error})") from error
    with vault, EventStore(where.dsn, "pm_worker", needs_relay=True) as store:
        yield Desk(where, store, vault, patience_s)
