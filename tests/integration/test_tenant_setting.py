"""What differs on a Nile database, one line of SQL: the setting that names the tenant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters import postgres
from tests.api_kit import api_of

pytestmark = pytest.mark.stack


@pytest.fixture
def on_nile() -> Iterator[None]:
    """Services of this process name tenants as Nile does."""
    postgres.bind_by("nile.tenant_id")
    yield
    postgres.bind_by("app.tenant_id")


async def test_tenants_stay_apart_when_they_are_named_as_on_nile(dsn: str, on_nile: None) -> None:
    """I11: commands and questions alike; what one makes the other does not see."""
    async with api_of(dsn, "ten_a") as one, api_of(dsn, "ten_b") as other:
        made = await one.post("/v1/lists", json={"name": "Mine"})
        list_id = made.json()["list_id"]
        seen = await one.get(f"/v1/lists/{list_id}")
        unseen = await other.get(f"/v1/lists/{list_id}")
    with postgres.connect_sync(dsn, "pm_api") as conn, conn.transaction():
        postgres.set_tenant(conn, "ten_a")
        (named,) = conn.execute("SELECT current_setting('nile.tenant_id')").fetchone() or ("",)

    assert (made.status_code, seen.status_code, unseen.status_code) == (201, 200, 404)
    assert named == "ten_a"


def test_what_is_no_name_of_a_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="no name of a setting"):
        postgres.bind_by("x'; DROP")
