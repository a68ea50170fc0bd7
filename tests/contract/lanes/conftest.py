"""Every promise of domain.ports.Lanes is held to both clients, with and without PIPELINING."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.lanes_contract import MAKERS, OPTIONS, Client, KeptNotes


@pytest.fixture(
    params=["lane, pipelined", "lane, plain", "account, pipelined", "account, plain"],
)
def make(request: pytest.FixtureRequest) -> Callable[..., Client]:
    name, _, style = request.param.partition(", ")
    extensions = ("PIPELINING", "SIZE 1000") if style == "pipelined" else ("SIZE 1000",)

    def build(**changes: object) -> Client:
        notes = KeptNotes()
        options = replace(OPTIONS, **changes)  # type: ignore[arg-type]
        return Client(MAKERS[name](notes, options), notes, extensions)

    return build


@pytest.fixture
async def client(make: Callable[..., Client]) -> Client:
    return make()
