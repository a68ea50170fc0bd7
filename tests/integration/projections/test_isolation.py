"""Read models under row-level security: what one tenant's transaction can see and do (I11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql

from adapters import postgres
from projections import models

pytestmark = pytest.mark.stack

CATALOG = """
SELECT c.oid::regclass::text, c.relkind, c.relrowsecurity AND c.relforcerowsecurity AS forced,
  (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polqual IS NOT NULL
     AND p.polwithcheck IS NOT NULL) AS policies,
  coalesce('security_invoker=true' = ANY(c.reloptions), false) AS invoker,
  EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0) AS public
FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
WHERE s.nspname IN ('vault', 'rm') AND c.relkind IN ('r', 'p', 'v', 'm')
  AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
"""


async def _filled(dsn: str, tell: Callable[..., Any]) -> None:
    history = tell(1, campaigns=4)
    async with await postgres.connect(dsn, "pm_projector") as conn:
        for model in models.MODELS.values():
            fold = model.fold(1)
            records = [r for poll in history.interleaved(1) for r in poll if r.topic in fold.topics]
            async with conn.transaction():
                await fold.apply(conn, records)


def test_i11_every_table_and_view_with_tenants_is_secured(read_models: str) -> None:
    """Tables: RLS enabled, forced, with a policy for both ways; views: with the caller's rights."""
    with psycopg.connect(read_models) as conn:
        found = conn.execute(CATALOG).fetchall()

    tables = [row for row in found if row[1] in ("r", "p")]
    views = [row for row in found if row[1] == "v"]
    assert len(tables) > 15
    assert len(views) > 5
    assert not [row for row in found if row[1] == "m"]
    assert not [name for name, _, forced, policies, *_ in tables if not (forced and policies)]
    assert not [name for name, _, _, _, invoker, _ in views if not invoker]
    assert not [row[0] for row in found if row[5]]


async def test_i11_a_tenant_sees_only_its_own_rows_in_every_read_model(
    read_models: str, tell: Callable[..., Any]
) -> None:
    """Through every table and every view, and nothing at all without a tenant."""
    await _filled(read_models, tell)
    async with await postgres.connect(read_models, "pm_api") as conn:
        for name in _relations():
            query = sql.SQL("SELECT DISTINCT tenant_id FROM {}").format(name)
            for tenant, seen in (("ten_0", [("ten_0",)]), ("ten_nobody", []), ("", [])):
                async with postgres.tenant_tx(conn, tenant):
                    rows = await (await conn.execute(query)).fetchall()
                assert rows == seen, (name, tenant)


async def test_i11_the_api_writes_no_read_model(read_models: str, tell: Callable[..., Any]) -> None:
    """Not even its own tenant's rows: only folds write them."""
    await _filled(read_models, tell)
    async with await postgres.connect(read_models, "pm_api") as conn:
        for name in _tables():
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                async with postgres.tenant_tx(conn, "ten_0"):
                    await conn.execute(sql.SQL("DELETE FROM {}").format(name))


def _tables() -> list[sql.Identifier]:
    found = [name for model in models.MODELS.values() for name in model.tables(1)]
    return [sql.Identifier("rm", name) for name in found]


def _relations() -> list[sql.Identifier]:
    views = [name for model in models.MODELS.values() for name in model.views()]
    return _tables() + [sql.Identifier("rm", name) for name in views]
