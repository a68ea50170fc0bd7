"""I11 in the catalog: nothing in the database lets one tenant see another's rows.

The controls break it on purpose, to show that the walk can find something.
"""

from __future__ import annotations

import psycopg
import pytest
from psycopg.rows import dict_row

from adapters import postgres
from projections import models
from tests.isolation_catalog import leaks

pytestmark = pytest.mark.stack


def found(dsn: str, *changes: str) -> list[str]:
    models.ensure_schemas(dsn)
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as conn:
        for change in changes:
            conn.execute(change.encode())
        return leaks(conn)


def test_no_table_view_or_function_lets_a_tenant_see_another(dsn: str) -> None:
    """I11."""
    assert found(dsn) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE vault.contact DISABLE ROW LEVEL SECURITY", "no forced row-level security"),
        ("ALTER TABLE vault.label NO FORCE ROW LEVEL SECURITY", "no forced row-level security"),
        ("ALTER TABLE rm.send_ledger_v1 DISABLE ROW LEVEL SECURITY", "no forced row-level"),
        ("CREATE TABLE vault.fresh (tenant_id text, x int)", "no forced row-level security"),
        ("CREATE VIEW rm.all_leads AS SELECT * FROM vault.contact", "security_invoker is off"),
        ("CREATE MATERIALIZED VIEW rm.m AS SELECT * FROM vault.contact", "materialized"),
        ("GRANT SELECT ON vault.contact TO PUBLIC", "every role of the server"),
        ("DROP POLICY own_rows ON vault.contact", "no policy that asks for the tenant"),
        ("CREATE POLICY wide ON vault.contact TO pm_api USING (true)", "does not ask"),
        ("CREATE UNIQUE INDEX i ON vault.contact (address_key)", "spans tenants"),
        (
            "CREATE TABLE vault.ref (tenant_id text, one boolean REFERENCES pipeline.gate (one))",
            "leaves out tenant_id",
        ),
        (
            "CREATE FUNCTION rm.f() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN (SELECT 1)",
            "under the caller's search_path",
        ),
        ("ALTER TABLE vault.label OWNER TO pm_api", "belongs to pm_api"),
    ],
)
def test_the_walk_finds_what_is_broken_on_purpose(dsn: str, change: str, said: str) -> None:
    """I11: the control of the test above."""
    assert any(said in finding for finding in found(dsn, change))


def leads_without_asking_for_a_tenant(dsn: str) -> int:
    """How many a query that forgot its tenant filter sees, bound to ten_a."""
    with postgres.connect_sync(dsn, "pm_api") as conn, conn.transaction():
        postgres.set_tenant(conn, "ten_a")
        found = conn.execute("SELECT count(*) FROM vault.contact").fetchone()
    return int(found[0]) if found else 0


def test_a_forgotten_tenant_filter_still_sees_its_own_rows_alone(dsn: str) -> None:
    """I11: RLS is the second lock; without it (the control) such a query sees everybody's."""
    with psycopg.connect(dsn, autocommit=True) as owner:
        for tenant, leads in (("ten_a", 2), ("ten_b", 3)):
            owner.execute("SELECT set_config('app.tenant_id', %s, false)", (tenant,))
            owner.execute(
                "INSERT INTO vault.contact (tenant_id, contact_id, domain)"
                " SELECT %s, 'lea_' || n, '' FROM generate_series(1, %s) AS n",
                (tenant, leads),
            )
        with_the_lock = leads_without_asking_for_a_tenant(dsn)
        owner.execute("ALTER TABLE vault.contact DISABLE ROW LEVEL SECURITY")
        without_it = leads_without_asking_for_a_tenant(dsn)

    assert (with_the_lock, without_it) == (2, 5)
