"""Which read models there are, their versioned tables, and the views that show the active one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from adapters.postgres import MIGRATION_LOCK, Unusable, named_sql
from projections.audit_log.project import AuditLog
from projections.fold import Connection as AsyncConnection
from projections.fold import Fold
from projections.holdings.project import Holdings
from projections.send_ledger.project import SendLedger
from projections.sending_ips.project import SendingIps
from projections.usage.project import Usage
from projections.versions import versioned
from projections.volume.project import Volume

HERE = Path(__file__).parent
SQL = named_sql(HERE / "models.sql")


@dataclass(frozen=True)
class ReadModel:
    """One fold, and the folders whose tables it writes: these are rebuilt together."""

    name: str
    folders: tuple[str, ...]
    fold: Callable[[int], Fold]

    def reader(self, version: int) -> str:
        return self.fold(version).reader

    def statements(self, part: str, version: int) -> list[str]:
        """The statements of the folders' schema files: their `tables` or their `views`."""
        files = [HERE / folder / "schema.sql" for folder in self.folders]
        return [versioned(file, version)[part] for file in files]

    def tables(self, version: int) -> list[str]:
        return self._named("TABLE", "tables", version)

    def views(self) -> list[str]:
        return self._named("VIEW", "views", 0)

    def _named(self, kind: str, part: str, version: int) -> list[str]:
        text = "\n".join(self.statements(part, version))
        return re.findall(rf"CREATE {kind} rm\.(\w+)", text)


MODELS: Mapping[str, ReadModel] = {
    model.name: model
    for model in (
        ReadModel("send_ledger", ("send_ledger", "campaign_counters", "send_stats"), SendLedger),
        ReadModel("sending_ips", ("sending_ips",), SendingIps),
        ReadModel("usage", ("usage",), Usage),
        ReadModel("holdings", ("holdings",), Holdings),
        ReadModel("audit_log", ("audit_log",), AuditLog),
        ReadModel("volume", ("volume",), Volume),
    )
}
#: What people call them → the model that is read and rebuilt for it.
NAMES: Mapping[str, ReadModel] = {
    folder: model for model in MODELS.values() for folder in model.folders
}


def ensure_schemas(dsn: str) -> list[str]:
    """Make the first version of each read model that has none; returns their names.

    As the database's owner. Safe to repeat and to run at once from several processes.
    """
    with psycopg.connect(dsn, autocommit=True) as conn, conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        made = [model for model in MODELS.values() if not versions(conn, model.name)]
        for model in made:
            create(conn, model, 1)
            activate(conn, model, 1)
    return [model.name for model in made]


def versions(conn: Connection[TupleRow], name: str) -> dict[int, str]:
    """Each version and its state: building, active or old."""
    return dict(conn.execute(SQL["versions"], {"name": name}).fetchall())


def create(conn: Connection[TupleRow], model: ReadModel, version: int) -> None:
    """Make the tables of a version, secured, and file it as building. Within a transaction."""
    conn.execute(SQL["begin"], {"name": model.name, "version": version})
    for statement in model.statements("tables", version):
        conn.execute(statement)
    for table in model.tables(version):
        conn.execute(SQL["secure"], {"table": f"rm.{table}"})


def activate(conn: Connection[TupleRow], model: ReadModel, version: int) -> None:
    """Show this version from now on. Within a transaction; readers of the views see all or nothing.

    The version before loses its cursors, so that its reader finds itself overtaken and looks anew.
    """
    for before, state in versions(conn, model.name).items():
        if state == "active":
            conn.execute(SQL["drop_cursors"], {"reader": model.reader(before)})
            conn.execute(SQL["drop_freshness"], {"reader": model.reader(before)})
    conn.execute(SQL["retire"], {"name": model.name})
    conn.execute(SQL["activate"], {"name": model.name, "version": version})
    _show(conn, model, version)


def _show(conn: Connection[TupleRow], model: ReadModel, version: int) -> None:
    views = [sql.Identifier("rm", view) for view in model.views()]
    for view in reversed(views):
        conn.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(view))
    for statement in model.statements("views", version):
        conn.execute(statement)
    for view in views:
        conn.execute(sql.SQL("GRANT SELECT ON {} TO pm_api, pm_projector").format(view))


def drop(conn: Connection[TupleRow], model: ReadModel, version: int) -> None:
    """Remove a version that nobody looks at, with its cursors. Within a transaction."""
    for table in model.tables(version):
        conn.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier("rm", table)))
    reader = {"reader": model.reader(version)}
    conn.execute(SQL["drop_cursors"], reader)
    conn.execute(SQL["drop_freshness"], reader)
    conn.execute(SQL["forget"], {"name": model.name, "version": version})


async def active_version(conn: AsyncConnection, name: str) -> int:
    """The version that the views show. Raises Unusable when there is none: not migrated."""
    row = await (await conn.execute(SQL["active"], {"name": name})).fetchone()
    if row is None:
        raise Unusable(f"read model {name} has no tables yet: `penguin up` makes them")
    return int(row[0])
