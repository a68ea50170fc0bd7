"""What four scopes of suppression cost a claim: reading a slice's recipients, with and without.

`recipients` is the query of streams/dispatching/claim.sql; `contact alone` is what it was before
there were scopes. Both run in turns on one database, 300,000 contacts, one in seven suppressed.
"""

from __future__ import annotations

import argparse
import os
import time
import uuid
from pathlib import Path

import psycopg
from psycopg import sql

from adapters import postgres
from ops.migrations import FOLDERS

QUERIES = Path(__file__).parents[2] / "streams" / "dispatching" / "claim.sql"
SIZE = 500
BEFORE = """
SELECT a.idx, a.contact_id, c.address, c.domain, c.fields::text, s.reason
FROM vault.audience a
LEFT JOIN vault.contact c USING (tenant_id, contact_id)
LEFT JOIN vault.suppression s USING (tenant_id, contact_id)
WHERE a.batch_id = %(batch_id)s AND a.idx <@ %(ranges)s::int4multirange ORDER BY a.idx
"""
ROWS = (
    """INSERT INTO vault.contact (tenant_id, contact_id, address, address_key, domain, fields)
    SELECT 't', 'lea_' || md5(i::text), a, a, 'g.test', '{"first_name": "Ada"}'
    FROM generate_series(1, 300000) i, LATERAL (SELECT 'a' || i || '@g.test') AS x (a)""",
    """INSERT INTO vault.audience
    SELECT 't', 'bat', i - 1, 'cmp', 'lea_' || md5((i * 500)::text)
    FROM generate_series(1, 500) i""",
    """INSERT INTO vault.suppression (tenant_id, contact_id, reason, since, address_hash)
    SELECT 't', 'lea_' || md5(i::text), 'manual', now(),
      vault.address_hash('a' || i || '@g.test', 'k')
    FROM generate_series(0, 300000, 7) i""",
    """INSERT INTO vault.platform_suppression
    SELECT sha256(i::text::bytea), 'manual', now() FROM generate_series(1, 100000) i""",
    "VACUUM ANALYZE",
)
VALUES = {
    "batch_id": "bat",
    "ranges": f"{{[0,{SIZE})}}",
    "hash_key": b"k",
    "workspace_id": "",
    "message_class": "bulk",
}


def main() -> None:
    """Prints the best and the median of each, in milliseconds per slice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=400)
    rounds = parser.parse_args().rounds
    given = os.environ["PM_TEST_DATABASE_URL"]
    name = f"pm_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(given, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            measure(psycopg.conninfo.make_conninfo(given, dbname=name), rounds)
        finally:
            owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def measure(dsn: str, rounds: int) -> None:
    """Both queries in turns, under the dispatcher's role."""
    postgres.migrate(dsn, FOLDERS)
    with psycopg.connect(dsn, autocommit=True) as owner:
        for statement in ROWS:
            owner.execute(statement.encode())
    ways = {"contact alone": BEFORE, "recipients": postgres.named_sql(QUERIES)["recipients"]}
    taken: dict[str, list[float]] = {way: [] for way in ways}
    with postgres.connect_sync(dsn, "pm_dispatcher") as conn:
        for _ in range(rounds):
            for way, query in ways.items():
                with conn.transaction():
                    postgres.set_tenant(conn, "t")
                    begun = time.perf_counter()
                    found = conn.execute(query.encode(), VALUES).fetchall()
                    taken[way].append(1000 * (time.perf_counter() - begun))
                    assert len(found) == SIZE
    for way, times in taken.items():
        times.sort()
        print(f"{way:<14} best {times[0]:.1f} ms  median {times[len(times) // 2]:.1f} ms")


if __name__ == "__main__":
    main()
