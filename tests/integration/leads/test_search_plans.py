"""Searches under role pm_api among many leads of others go by an index; nothing is scanned."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from adapters import postgres
from adapters.contacts import filters, leads
from domain import segment
from tests.vault_kit import change

pytestmark = pytest.mark.stack
OTHERS = (
    "INSERT INTO vault.contact (tenant_id, contact_id, address, address_key, domain, fields)"
    " SELECT 'ten_' || n % 200, 'lea_' || n, 'p' || n || '@d' || n % 50 || '.example',"
    " 'p' || n || '@d' || n % 50 || '.example', 'd' || n % 50 || '.example', '{\"city\": \"Oslo\"}'"
    " FROM generate_series(1, 200000) AS n"
)
FIELD = {"what": "field", "name": "city", "op": "equals", "value": "Oslo"}


def plan(dsn: str, given: dict[str, Any] | None, sort: str = "-created") -> str:
    """How Postgres finds a page of tenant ten_7's leads."""
    node = segment.read(given) if given else segment.all_of(())
    statement = leads.page(filters.where(node, b"k"), sort=sort, after=[], limit=51)
    values = statement.values | {"tenant_id": "ten_7"}
    with postgres.connect_sync(dsn, "pm_api") as conn, conn.transaction():
        postgres.set_tenant(conn, "ten_7")
        explained = psycopg.sql.SQL("EXPLAIN ") + statement.sql
        return "\n".join(row[0] for row in conn.execute(explained, values))


def test_i11_every_search_of_leads_goes_by_an_index_that_begins_with_the_tenant(dsn: str) -> None:
    change(dsn, OTHERS, "ANALYZE vault.contact")
    searches: list[tuple[dict[str, Any] | None, str]] = [
        (None, "-created"),
        (None, "address"),
        (FIELD, "-created"),
        ({"what": "address", "op": "equals", "value": "p7@d7.example"}, "address"),
        ({"what": "address", "op": "starts_with", "value": "p7"}, "address"),
        ({"what": "domain", "op": "equals", "value": "d7.example"}, "-created"),
        ({"what": "tag", "op": "has", "value": "vip"}, "-created"),
        ({"what": "list", "op": "in", "value": "lst_1"}, "-created"),
        ({"what": "suppressed", "op": "is", "value": True}, "-created"),
        ({"what": "created", "op": "within_days", "value": 7}, "-created"),
    ]

    plans = {str(search): plan(dsn, *search) for search in searches}

    for search, found in plans.items():
        assert "Seq Scan on contact" not in found, (search, found)
        assert "tenant_id = " in found, (search, found)
    prefix = plans[str(searches[4])]
    assert "contact_tenant_id_address_key_key" in prefix
    assert "address_key >= " in prefix.partition("Index Cond")[2].partition("\n")[0], prefix
