"""Checksums of one tenant's read-model rows that mean the same in every installation.

As `rebuild.sums`, without the columns that say where in a log a fact lies: another log has other
places for the same facts.
"""

from __future__ import annotations

import re
from typing import Any

from psycopg import Connection, sql

from projections import models
from projections.models import ReadModel

#: Columns that name a place in the log, not what happened.
PLACES = re.compile(r"(.*_)?(topic|part|off|offset|partition|pos|position)")


def sums(conn: Connection[Any], tenant_id: str) -> dict[str, list[Any]]:
    """By table, of every active read model: the tenant's rows, and the sum of their hashes."""
    conn.execute("SELECT set_config('timezone', 'UTC', true)")
    found = {}
    for model in models.MODELS.values():
        version = active(conn, model)
        for table in model.tables(version):
            name = table.removesuffix(f"_v{version}")
            found[name] = _sum(conn, table, tenant_id)
    return dict(sorted(found.items()))


def active(conn: Connection[Any], model: ReadModel) -> int:
    """The version that is looked at."""
    states = models.versions(conn, model.name)
    return next(version for version, state in states.items() if state == "active")


def _sum(conn: Connection[Any], table: str, tenant_id: str) -> list[Any]:
    columns = conn.execute(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        (f"rm.{table}",),
    ).fetchall()
    places = [name for (name,) in columns if PLACES.fullmatch(name)]
    query = sql.SQL(
        "SELECT count(*), coalesce(sum(hashtextextended((to_jsonb(t) - %s::text[])::text, 0)"
        "::numeric), 0)::text FROM {} AS t WHERE tenant_id = %s"
    ).format(sql.Identifier("rm", table))
    row = conn.execute(query, (places, tenant_id)).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return [row[0], row[1]]


def differing(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> list[str]:
    """Tables whose sums are not equal; of those that both know."""
    return sorted(name for name in one.keys() & other.keys() if one[name] != other[name])


def unknown(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> list[str]:
    """Tables that only one of both knows: another version of the product."""
    return sorted(one.keys() ^ other.keys())


def behind(conn: Connection[Any], ends: dict[tuple[str, int], int]) -> str:
    """A read model that stands before one of these ends, or nothing."""
    for reader, places in standing(conn).items():
        if not places or any(at < ends.get(place, 0) for place, (at, _) in places.items()):
            return reader
    return ""


def standing(conn: Connection[Any]) -> dict[str, dict[tuple[str, int], tuple[int, int]]]:
    """Where each active read model stands: (topic, partition) → next offset, last pos."""
    found: dict[str, dict[tuple[str, int], tuple[int, int]]] = {}
    for model in models.MODELS.values():
        reader = model.reader(active(conn, model))
        rows = conn.execute(
            "SELECT topic, part, next_offset, last_pos FROM app.cursor WHERE reader = %s",
            (reader,),
        ).fetchall()
        found[reader] = {(topic, part): (following, pos) for topic, part, following, pos in rows}
    return found
