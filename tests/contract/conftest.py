"""What keeps a port's contract: the memory twin and Postgres alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.event_store import EventStore
from adapters.memory import MemoryDecider
from domain.ports import Decider


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.stack)])
def decider(request: pytest.FixtureRequest) -> Iterator[Decider]:
    if request.param == "memory":
        yield MemoryDecider()
        return
    with EventStore(request.getfixturevalue("dsn"), "pm_api") as store:
        yield store
