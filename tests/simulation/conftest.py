"""A database whose clock is the simulation's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation import clock, connections


@pytest.fixture
def world_database(dsn: str) -> Iterator[str]:
    """Where worlds happen, one after the other."""
    clock.install(dsn)
    yield dsn
    connections.close_all()
