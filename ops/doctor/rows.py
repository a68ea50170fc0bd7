"""The doctor's look at Postgres: does it answer, is it migrated, is anything held up."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Connection

from adapters.postgres import SERVER_VERSION_MIN
from ops.doctor.check import Check, Checks, check
from ops.migrations import FOLDERS

CONNECT_TIMEOUT_S = 5
PARKED_SHOWN = 5


def looks(dsn: str, freshness_max_s: float, stack_id: str) -> list[Check]:
    """All findings; one when Postgres does not answer, for then nothing else can be seen.

    `stack_id`: of the stack that is looked at; empty: nobody says which one that is.
    """
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as conn:
            version = conn.info.server_version
            found = [_answers(version, "")]
            found.append(applied := _migrations(conn))
            if applied.ok:
                found += [*_held_up(conn, freshness_max_s), _authority(conn, stack_id)]
            return found
    except psycopg.OperationalError as error:
        return [_answers(0, " ".join(str(error).split()))]


def _answers(version: int, problem: str) -> Check:
    return check(
        "postgres answers",
        ok=not problem and version >= SERVER_VERSION_MIN,
        found=problem or f"version {version // 10000}.{version % 10000}",
        cure="penguin up, or point PM_DATABASE_URL to a PostgreSQL 18 that runs",
    )


def _migrations(conn: Connection[Any]) -> Check:
    wanted = {path.name for folder in FOLDERS for path in folder.glob("*.sql")}
    known = conn.execute("SELECT to_regclass('public.migration') IS NOT NULL").fetchone()
    applied: set[str] = set()
    if known and known[0]:
        applied = {row[0] for row in conn.execute("SELECT name FROM public.migration")}
    missing = sorted(wanted - applied)
    return check(
        "migrations",
        ok=not missing,
        found=f"missing: {', '.join(missing)}" if missing else f"{len(wanted)} applied",
        cure="penguin run migrate applies them",
    )


def _held_up(conn: Connection[Any], freshness_max_s: float) -> Checks:
    yield from _freshness(conn, freshness_max_s)
    yield _gate(conn)
    yield _parked(conn)


def _freshness(conn: Connection[Any], freshness_max_s: float) -> Checks:
    """Release and claim refuse while the schedule is older than this."""
    rows = conn.execute(
        "SELECT reader, extract(epoch FROM clock_timestamp() - caught_up_at)::float8"
        " FROM app.freshness ORDER BY reader"
    ).fetchall()
    for reader, age_s in rows:
        yield check(
            f"reader {reader}",
            ok=age_s <= freshness_max_s,
            found=f"stood at the end of the log {age_s:.1f} s ago",
            cure=f"penguin projections status shows its lag; does the process run ({reader})?",
        )


def _gate(conn: Connection[Any]) -> Check:
    row = conn.execute(
        "SELECT open, incarnation = pipeline.incarnation(), reason FROM pipeline.gate"
    ).fetchone()
    is_open, this_server, reason = row or (False, False, "there is no gate row")
    if is_open and not this_server:
        reason = "it was opened for an earlier life of Postgres"
    return check(
        "gate",
        ok=is_open and this_server,
        found="open" if is_open and this_server else f"closed: {reason}",
        cure="the releaser opens it once the schedule has caught up; if it stays closed, see why",
    )


def _authority(conn: Connection[Any], stack_id: str) -> Check:
    epoch, holder = conn.execute("SELECT epoch, holder FROM pipeline.gate").fetchone() or (0, "")
    return check(
        "send authority",
        ok=not stack_id or holder == stack_id,
        found=f"epoch {epoch}, held by {holder or 'nobody'}; this is {stack_id or 'not said here'}",
        cure="this stack sends nothing; when no other one does: penguin authority take --reason …",
    )


def _parked(conn: Connection[Any]) -> Check:
    rows = conn.execute(
        "SELECT batch_id, parked FROM pipeline.batch WHERE parked <> '' ORDER BY batch_id"
    ).fetchall()
    shown = "; ".join(f"{batch_id}: {why}" for batch_id, why in rows[:PARKED_SHOWN])
    return check(
        "parked batches",
        ok=not rows,
        found=f"{len(rows)} {shown}".strip(),
        cure="their records cannot be read; the dead-letter topics hold them with the reason",
    )
