"""A tenant binds what a contact may get, over HTTP, and claims know of it."""

from __future__ import annotations

from typing import Any

import pytest

from api.main import create_app
from tests import campaign_kit
from tests.api_kit import client_of, ports_of
from tests.decided_kit import decided, done, refused
from tests.schedule_kit import rows

pytestmark = pytest.mark.stack

LIMIT = "SELECT fatigue_per_day, fatigue_gap_h FROM pipeline.tenant WHERE tenant_id = 'ten_a'"


async def test_a_tenant_sets_and_lifts_the_limit_and_claims_hear_of_it(dsn: str) -> None:
    async with ports_of(dsn) as ports, client_of(create_app(ports), tenant="ten_a") as client:
        campaign_kit.lay(ports.desks.at("ten_a", "tests"), dsn)
        ports.desks.at("ten_a", "tests").write(
            "INSERT INTO vault.label VALUES (%(tenant_id)s, %(tenant_id)s, 'tenant', 'A')"
        )

        async def told() -> Any:
            await campaign_kit.fold(dsn)
            (bound,) = rows(dsn, LIMIT)
            return (await done(client.get("/v1/tenant")))["contact_fatigue"], bound

        async def change(**body: Any) -> None:
            await done(client.patch("/v1/tenant", json=body))

        found = [await told()]
        bodies: tuple[dict[str, Any], ...] = (
            {"contact_fatigue": {}},
            {"contact_fatigue": {"per_day": 1, "gap_h": 0}},
            {"name": "B"},
            {"contact_fatigue": None},
        )
        for body in bodies:
            await change(**body)
            found.append(await told())
        before = len(decided(dsn))
        await change(contact_fatigue=None)

        assert found == [
            (None, (None, None)),
            ({"per_day": 2, "gap_h": 4}, (2, 4)),
            ({"per_day": 1, "gap_h": 0}, (1, 0)),
            ({"per_day": 1, "gap_h": 0}, (1, 0)),
            (None, (None, 0)),
        ]
        assert len(decided(dsn)) == before
        for wrong in ({"per_day": 0}, {"gap_h": -1}, {"gap_h": 169}, {"each_day": 2}):
            await refused(client.patch("/v1/tenant", json={"contact_fatigue": wrong}), 422)
        await refused(client.patch("/v1/tenant", json={}), 422, "contact_fatigue")
