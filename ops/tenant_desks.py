"""Desks for commands of the operator: as the API's, at a tenant that is named by id or name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

from adapters import postgres
from adapters.event_store import EventStore
from adapters.settings import Settings
from api.commands import tenants
from api.commands.accounts import Identity
from api.desk import Desk, Desks
from domain.ids import deriver
from domain.platform import PLATFORM
from domain.refusals import Invalid, NotFound
from ops import identity
from ops.errors import Missing
from ops.launching.desk import ACTOR, RELAY_PATIENCE_S, Patient
from ops.launching.ground import dns_of
from ops.where import Where

POOL_SIZE = 2


@contextmanager
def open_desks(where: Where, patience_s: float = RELAY_PATIENCE_S) -> Iterator[Desks]:
    """Desks at a running stack. Raises Missing when its database does not answer."""
    try:
        postgres.connect_sync(where.dsn, "pm_api", connect_timeout=5).close()
    except psycopg.OperationalError as error:
        cure = "`penguin up` starts it, or set PM_DATABASE_URL"
        raise Missing(f"Postgres does not answer: {cure} ({error})") from error
    with (
        postgres.blocking_pool(where.dsn, "pm_api", size_max=POOL_SIZE) as pool,
        EventStore(where.dsn, "pm_api", needs_relay=True) as store,
    ):
        yield Desks(Patient(store, patience_s), pool.connection, where.id_key, where.seals)


def identity_at(desks: Desks, where: Where) -> Identity:
    """What commands about people work with; links in mails lead to the stack's own API."""
    settings = Settings()
    if where.api_url and not settings.public_url:
        settings = settings.model_copy(update={"public_url": where.api_url})
    return identity.identity(
        settings, desks, desks.connect, dns_of(where), lambda: datetime.now(UTC)
    )


def ensured(desks: Desks, name: str) -> Desk:
    """A desk at the tenant that `penguin send` means by this name, made if it is new.

    Its id follows from the name: who signs up under the same name is another tenant.
    """
    desk = desks.at(deriver(desks.id_key.encode(), "ten")(name), ACTOR)
    tenants.ensure(desk, name)
    return desk


def found(desks: Desks, given: str) -> Desk:
    """A desk at the tenant with this id or name. Raises NotFound, Invalid for a shared name."""
    if given.startswith("ten_") and tenants.exists(desk := desks.at(given, ACTOR)):
        return desk
    ids = tenants.named(platform(desks), given)
    if not ids:
        raise NotFound(tenants.NO_SUCH)
    if len(ids) > 1:
        raise Invalid(f"tenant: {', '.join(ids)} are all called {given!r}; name one by its id")
    return desks.at(ids[0], ACTOR)


def platform(desks: Desks) -> Desk:
    """A desk at the platform: it sees all tenants' names, and staff."""
    return desks.at(PLATFORM, ACTOR)


def every(desks: Desks, size: int) -> list[dict[str, Any]]:
    """All tenants, read in pages of this size."""
    rows: list[dict[str, Any]] = []
    after = ""
    while found := tenants.page(platform(desks), after=after, limit=size):
        rows += found
        after = found[-1]["tenant_id"]
    return rows
