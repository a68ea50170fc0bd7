"""The doctor's look at how others see us: blocklists, names of addresses, providers' feeds."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import namedtuple_row

from adapters.dnsbl_lists import BadLists, chosen
from adapters.settings import Settings
from domain.ip_choice import BAD_BELOW
from ops.doctor.check import Check, Checks, check
from ops.reputation_watch import ADDRESS_NAME, feeds

CONNECT_TIMEOUT_S = 5
#: Scores that are known, of what mail may leave from: how many, and the bad ones, the worst first.
SCORES = """
SELECT count(*), coalesce(array_agg(s.scope || ' ' || s.scope_id || ' ' || s.score
    || CASE WHEN s.provider = '' THEN '' ELSE ' at ' || s.provider END
    ORDER BY s.score, s.scope_id, s.provider) FILTER (WHERE s.score < %s), '{}')
FROM pipeline.volume_score s
WHERE s.score IS NOT NULL AND (s.scope NOT IN ('cell', 'ip')
  OR EXISTS (SELECT FROM pipeline.ip i WHERE i.ip = s.scope_id AND NOT i.retired))
"""
SHOWN = 5
#: `wrong`: those that something is told of; `silent`: why questions had no answer last time.
WATCHED = """
SELECT question, count(*) FILTER (WHERE asked_at IS NOT NULL) AS answered,
  coalesce(array_agg(about_id || ' (' || told || ')' ORDER BY about_id)
    FILTER (WHERE told <> ''), '{}') AS wrong,
  coalesce(array_agg(DISTINCT problem)
    FILTER (WHERE problem NOT IN ('', 'not public')), '{}') AS silent
FROM pipeline.watched GROUP BY question ORDER BY question
"""
#: Those that are read: one that is no longer configured is long overdue.
FEEDS = """
SELECT feed, read_at, problem FROM pipeline.feed WHERE due_at > now() - interval '1 day'
"""


def looks(dsn: str, settings: Settings) -> list[Check]:
    """What is watched and read; nothing where nothing is. Postgres must answer and be migrated."""
    found = list(_setting(settings))
    with psycopg.connect(dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as conn:
        return [*found, *_scores(conn), *_watched(conn), *_feeds(conn, settings)]


def _setting(settings: Settings) -> Checks:
    try:
        chosen(settings.dnsbl_zones, settings.spamhaus_dqs_key)
    except BadLists as bad:
        yield check("blocklists", ok=False, found="none is watched", cure=str(bad))


def _scores(conn: Connection[Any]) -> Checks:
    known, bad = conn.execute(SCORES, (BAD_BELOW,)).fetchone() or (0, [])
    if known:
        more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        yield check(
            "reputation",
            ok=not bad,
            found=", ".join(bad[:SHOWN]) + more or f"{known} scores, none below {BAD_BELOW}",
            cure="docs/reputation.md, When a score is bad: its components tell of what",
        )


def _watched(conn: Connection[Any]) -> Checks:
    rows: list[Any] = conn.cursor(row_factory=namedtuple_row).execute(WATCHED).fetchall()
    for row in rows:
        if row.answered:
            yield _asked(row)
        if row.silent:
            yield check(
                f"answers of {row.question}",
                ok=False,
                found="; ".join(row.silent[:SHOWN]),
                cure="docs/reputation.md, When a list does not answer; until then nothing changes",
            )


def _asked(row: Any) -> Check:
    of_names = row.question == ADDRESS_NAME
    cure = "docs/reputation.md, Names of addresses" if of_names else "docs/runbooks/listing.md"
    return check(
        "names of addresses" if of_names else f"blocklist {row.question}",
        ok=not row.wrong,
        found=", ".join(row.wrong[:SHOWN]) or f"{row.answered} asked about, all well",
        cure=cure,
    )


def _feeds(conn: Connection[Any], settings: Settings) -> Checks:
    known = {row[0]: row for row in conn.execute(FEEDS)}
    wanted = {name for name, feed in feeds(settings).items() if feed.configured}
    for name in sorted(wanted | set(known)):
        _, read_at, problem = known.get(name, (name, None, ""))
        read = f"read at {read_at:%Y-%m-%d %H:%M} UTC" if read_at else "not read yet"
        yield check(f"feed {name}", ok=not problem, found=read, cure=problem)
