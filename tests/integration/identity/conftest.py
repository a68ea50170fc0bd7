"""People over HTTP, on a database of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.identity_kit import People, people_of


@pytest.fixture
async def people(dsn: str) -> AsyncIterator[People]:
    async with people_of(dsn) as found:
        yield found
