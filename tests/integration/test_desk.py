"""The desk of the launching commands: no decision on a store that may have been restored."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from domain import tenant
from domain.event import Event
from ops.errors import Missing
from ops.launching.desk import Desk, open_desk
from ops.where import Where
from tests.schedule_kit import change, rows

pytestmark = pytest.mark.stack

COMPARED = "UPDATE es.relay SET compared_with = pipeline.incarnation()"


def create(desk: Desk) -> Sequence[Event]:
    def decide(state: tenant.State) -> Sequence[Event]:
        return tenant.create(state, tenant_id="ten_a")

    return desk.decide(tenant, "tenant-ten_a", decide, tenant_id="ten_a").events


def where(dsn: str) -> Where:
    return Where(data_dir=Path(), bootstrap="", dsn=dsn, id_key="tests")


def test_a_decision_waits_until_the_relay_has_compared_store_and_log(dsn: str) -> None:
    """So it is for a moment after each start of Postgres."""
    relay = threading.Timer(0.3, change, [dsn, COMPARED])
    relay.start()
    with open_desk(where(dsn)) as desk:
        events = create(desk)
    relay.join()

    assert len(events) == 1


def test_without_a_relay_nothing_is_decided(dsn: str) -> None:
    with open_desk(where(dsn), patience_s=0.2) as desk, pytest.raises(Missing, match="relay"):
        create(desk)

    assert rows(dsn, "SELECT count(*) FROM es.decision_events") == [(0,)]


def test_without_postgres_the_cure_is_named() -> None:
    nowhere = where("postgresql://postgres@127.0.0.1:1/postgres")

    with pytest.raises(Missing, match="penguin up"), open_desk(nowhere):
        pass
