"""A house with one tenant in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from projections.models import ensure_schemas
from tests.house_kit import House, house_of


@pytest.fixture
async def house(dsn: str) -> AsyncIterator[House]:
    """The API; there is the tenant ten_a."""
    ensure_schemas(dsn)
    async with house_of(dsn) as made:
        made.tenant("ten_a")
        yield made
