"""A tenant's rows: the vault's tables as they are found, and its decisions, out and in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from adapters.archive.container import Archive, Lines
from adapters.archive.passphrase import SEALED_HEX
from adapters.postgres import named_sql
from domain.refusals import Taken

SQL = named_sql(Path(__file__).with_suffix(".sql"))
BATCH = 1000  # rows a statement
#: Tables that stay where they are, and why.
LEFT_OUT = {
    "suppression": "follows from the log: the fold of the schedule makes it",
    "duty": "what the other installation still has to do",
    "membership": "people have accounts of their installation: invite them there",
    "invitation": "people have accounts of their installation: invite them there",
    "tenant_export": "files of this installation: whoever may has them made there",
    "api_key": "keys let into one installation: create them anew",
}
LAUNCHED = re.compile(r"CampaignLaunched\.v\d+")

Rows = Iterable[dict[str, Any]]


@dataclass(frozen=True)
class Table:
    """A table of the vault that has rows of tenants."""

    name: str
    columns: list[str]
    binaries: list[str]
    needed: list[str]

    @property
    def member(self) -> str:
        return f"vault/{self.name}.ndjson"


def tables(conn: Connection[Any]) -> list[Table]:
    """All but those of LEFT_OUT."""
    found = conn.execute(SQL["tables"]).fetchall()
    made = [Table(name, all_, binaries or [], needed) for name, all_, binaries, needed in found]
    return [table for table in made if table.name not in LEFT_OUT]


def vault_rows(conn: Connection[Any], table: Table, tenant_id: str) -> Iterator[dict[str, Any]]:
    """The tenant's rows of a table, streamed."""
    query = sql.SQL("COPY (SELECT to_jsonb(t)::text FROM {} AS t WHERE tenant_id = {}) TO STDOUT")
    named = query.format(sql.Identifier("vault", table.name), sql.Literal(tenant_id))
    yield from map(orjson.loads, _copied(conn, named))


def _copied(conn: Connection[Any], query: sql.Composed) -> Iterator[str]:
    with conn.cursor().copy(query) as copy:
        for (line,) in copy.rows():
            yield line


@dataclass
class Secrets:
    """What happens to sealed values on their way: put under another key, or left out and listed."""

    rewrap: Callable[[str], str] | None
    left_out: dict[str, int]

    def treated(self, table: Table, row: dict[str, Any]) -> dict[str, Any] | None:
        """The row as it travels; None: it cannot be without its secret, so it stays."""
        kept: dict[str, Any] | None = row
        for column in table.binaries:
            if not str(row[column] or "").startswith(SEALED_HEX):
                continue
            if self.rewrap:
                row[column] = self.rewrap(row[column])
                continue
            name = f"{table.name}.{column}"
            self.left_out[name] = self.left_out.get(name, 0) + 1
            row[column] = None
            kept = None if column in table.needed else kept
        return kept


def decisions(conn: Connection[Any], tenant_id: str, into: Lines) -> None:
    """Its decisions in the log's order."""
    for (line,) in conn.execute(SQL["decisions"], {"tenant_id": tenant_id}):
        into.add_json(line.encode())


def reservations(conn: Connection[Any], tenant_id: str, into: Lines) -> None:
    """The values that it alone holds, such as its sending domains."""
    for (line,) in conn.execute(SQL["reservations"], {"tenant_id": tenant_id}):
        into.add_json(line.encode())


# ---- into another installation


def reserve(conn: Connection[Any], tenant_id: str, wanted: Rows) -> None:
    """Hold the archive's values. Raises Taken when another tenant here holds one."""
    for row in wanted:
        conn.execute(SQL["reserve"], row | {"tenant_id": tenant_id})
        found = conn.execute(SQL["reserved"], row).fetchone()
        if found is None or found[0] != row["stream"]:
            raise Taken(f"{row['kind']}: {row['value']} belongs to another tenant here")


def fill(conn: Connection[Any], table: Table, rows: Rows) -> int:
    """Put rows into a table of the vault; those that are there stay. How many were given."""
    given, pending = 0, iter(rows)
    while batch := list(islice(pending, BATCH)):
        given += len(batch)
        columns = [name for name in table.columns if name in batch[0]]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL(
            "INSERT INTO {table} ({names}) SELECT {names}"
            " FROM jsonb_populate_recordset(NULL::{table}, %s) ON CONFLICT DO NOTHING"
        )
        named = query.format(table=sql.Identifier("vault", table.name), names=names)
        conn.execute(named, (Jsonb(batch),))
    return given


def append(conn: Connection[Any], tenant_id: str, rows: Rows) -> int:
    """Append decisions that are not there yet, in order; how many. Within one transaction."""
    conn.execute(SQL["lock_log"])
    appended, pending = 0, iter(rows)
    while batch := list(islice(pending, BATCH)):
        values = {"tenant_id": tenant_id, "rows": Jsonb(batch)}
        appended += conn.execute(SQL["append"], values).rowcount
    return appended


def plans(conn: Connection[Any], tenant_id: str, archive: Archive) -> list[str]:
    """Note every launched campaign as planned; their ids."""
    found = []
    for row in archive.rows("decisions.ndjson"):
        if not LAUNCHED.fullmatch(row["topic"]):
            continue
        campaign_id = orjson.loads(row["state"])["campaign_id"]
        values = {"tenant_id": tenant_id, "campaign_id": campaign_id, "launched": row["state"]}
        conn.execute(SQL["planned"], values)
        found.append(campaign_id)
    return found
