"""Builds what tends sending domains: the commands that HTTP has, at a desk of its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from adapters import postgres
from adapters.event_store import EventStore
from adapters.settings import Settings
from api.commands import domain_care, domains
from api.desk import Desks
from streams.tending import Tend

ACTOR = "tending"
THREADS = 4


@contextmanager
def tender(settings: Settings, dns: domains.Dns) -> Iterator[tuple[Tend, ThreadPoolExecutor]]:
    """What tends a domain, and the threads to do it in. It publishes nothing: it looks."""
    size = THREADS + 1  # connections; a switch of keys holds one while it asks for the state
    with (
        postgres.blocking_pool(settings.database_url, "pm_api", size_max=size) as pool,
        EventStore(settings.database_url, "pm_api", needs_relay=True) as store,
        ThreadPoolExecutor(THREADS, "tending") as threads,
    ):
        desks = Desks(store, pool.connection, settings.id_key)
        yield tend_at(desks, replace(dns, publish=domains.publish_nothing)), threads


def tend_at(desks: Desks, dns: domains.Dns) -> Tend:
    """Tends at the desk of each domain's tenant."""

    def tend(tenant_id: str, domain_id: str) -> str:
        return domain_care.tend(desks.at(tenant_id, ACTOR), domain_id, dns)

    return tend
