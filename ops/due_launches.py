"""Builds what launches scheduled campaigns: the command that HTTP has, at a desk of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from adapters import postgres
from adapters.event_store import EventStore
from adapters.settings import Settings
from api.commands import campaigns
from api.desk import Desks
from streams.launching import Launch

ACTOR = "launching"


@contextmanager
def launcher(settings: Settings) -> Iterator[Launch]:
    """Decides under role pm_api, as routes do: what blocks a launch is looked up in read models."""
    with (
        postgres.blocking_pool(settings.database_url, "pm_api", size_max=2) as pool,
        EventStore(settings.database_url, "pm_api", needs_relay=True) as store,
    ):
        yield launch_at(Desks(store, pool.connection, settings.id_key))


def launch_at(desks: Desks) -> Launch:
    """Launches at the desk of each campaign's tenant."""

    def launch(tenant_id: str, campaign_id: str, at: datetime, now: datetime) -> str:
        return campaigns.launch_scheduled(desks.at(tenant_id, ACTOR), campaign_id, at, now)

    return launch
