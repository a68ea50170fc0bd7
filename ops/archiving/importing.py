"""Brings a tenant's archive into this installation: never sends, and may be broken off anywhere.

From the first step on the tenant is held (pipeline.held_tenant): whatever its history says, nothing
of it is released or claimed. It is let go only when its campaigns are cancelled and it is suspended
by an event, because the other installation may have sent what the archive calls waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import psycopg
from psycopg import Connection

from adapters.archive import facts, passphrase, rows
from adapters.archive.container import Archive
from adapters.archive.facts import Place
from adapters.postgres import set_tenant
from domain import campaign, tenant
from domain.refusals import Taken, WrongState
from ops.archiving.exporting import FACTS, key_print
from ops.errors import DoesNotHold, Missing
from ops.launching.desk import Desk, open_desk
from ops.where import Where
from projections import portable

PATIENCE_S = 300.0  # for relay and read models
POLL_S = 0.2
REASON = "imported"
OPEN = {campaign.Status.SCHEDULED, campaign.Status.RUNNING, campaign.Status.PAUSED}
SCHEDULE = "schedule"  # the reader that releases and claims follow

Tell = Callable[[str], None]


@dataclass
class Imported:
    """What an import came to."""

    tenant_id: str
    equal: bool = False
    differing: list[str] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)
    exact: bool = True
    same_id_key: bool = True
    decisions: int = 0  # appended by this run
    facts: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)  # campaigns that were not at their end
    enter_anew: dict[str, int] = field(default_factory=dict)
    suspended: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Job:
    """One import at work."""

    where: Where
    archive: Archive
    tenant_id: str
    hold: str  # names this archive, so that another is not mixed in

    @contextmanager
    def transaction(self) -> Iterator[Connection[Any]]:
        """As the owner, bound to the tenant."""
        with psycopg.connect(self.where.dsn) as conn:
            set_tenant(conn, self.tenant_id)
            yield conn


def bring(where: Where, archive: Archive, phrase: str, tell: Tell) -> Imported:
    """Import the archive. Repeating a broken-off import goes on; a finished one is refused.

    Raises Damaged, Taken, WrongState, Missing; DoesNotHold when relay or read models stand still.
    """
    manifest = archive.manifest
    tell("checking the archive")
    archive.verify()
    hold = f"import of {manifest['members']['decisions.ndjson']['sha256'][:16]}"
    job = Job(where, archive, str(manifest["tenant_id"]), hold)
    done = Imported(job.tenant_id, exact=manifest["exact"])
    done.same_id_key = manifest["id_key"] == key_print(where.id_key)
    done.enter_anew = manifest["secrets"]["enter_anew"]
    _begin(job)
    tell("filling the vault")
    _fill(job, done, phrase)
    tell("appending decisions")
    campaigns = _append_decisions(job, done)
    tell("appending records of sends")
    ends = asyncio.run(_append_facts(job, done))
    tell("waiting for the read models")
    _wait(job, ends)
    _compare(job, done)
    tell("cancelling what was not at its end")
    _end(job, done, campaigns)
    return done


def _begin(job: Job) -> None:
    """Hold the tenant, unless it is here for another reason than a broken-off import."""
    with job.transaction() as conn:
        values = {"tenant_id": job.tenant_id}
        _check_schema(conn, job.archive)
        known = conn.execute(rows.SQL["known_events"], values).fetchone()
        held = conn.execute(rows.SQL["held"], values).fetchone()
        if known and not held:
            raise Taken(f"tenant_id: {job.tenant_id} is in this installation already")
        if held and held[0] != job.hold:
            raise WrongState(f"an {held[0]} was broken off here: finish that with its own archive")
        conn.execute(rows.SQL["hold"], values | {"reason": job.hold})
        rows.reserve(conn, job.tenant_id, job.archive.rows("reservations.ndjson"))


def _check_schema(conn: Connection[Any], archive: Archive) -> None:
    here = {name for (name,) in conn.execute(rows.SQL["migrations"]).fetchall()}
    ahead = sorted(set(archive.manifest["migrations"]) - here)
    if ahead:
        raise WrongState(f"the archive is of a newer version (it has {ahead[-1]}): upgrade first")


def _fill(job: Job, done: Imported, phrase: str) -> None:
    rewrap = _rewrap(job, phrase)
    with job.transaction() as conn:
        for table in rows.tables(conn):
            given = job.archive.rows(table.member)
            treated = (rows.Secrets(rewrap, {}).treated(table, row) for row in given)
            done.rows[table.name] = rows.fill(conn, table, (row for row in treated if row))
        rows.plans(conn, job.tenant_id, job.archive)


def _rewrap(job: Job, phrase: str) -> Callable[[str], str] | None:
    secrets = job.archive.manifest["secrets"]
    if not secrets["under_passphrase"]:
        return None
    if not phrase:
        raise Missing("the archive's secrets are under a passphrase: --passphrase-file FILE")
    return passphrase.inward(job.where.seals, phrase, secrets["salt"])


def _append_decisions(job: Job, done: Imported) -> list[str]:
    """All of them or none; the streams of the campaigns that they speak of."""
    with job.transaction() as conn:
        values = {"tenant_id": job.tenant_id}
        before = {event_id for (event_id,) in conn.execute(rows.SQL["known_events"], values)}
        if not before:
            given = job.archive.rows("decisions.ndjson")
            done.decisions = rows.append(conn, job.tenant_id, given)
            if done.decisions != job.archive.manifest["members"]["decisions.ndjson"]["rows"]:
                raise Taken("a stream of the archive belongs to another tenant here")
    streams = {given["stream"] for given in job.archive.rows("decisions.ndjson")}
    prefix = campaign.stream("")
    return sorted(one for one in streams if one.startswith(prefix))


async def _append_facts(job: Job, done: Imported) -> dict[Place, int]:
    """Append what this log does not have of the tenant; where its partitions end then."""
    where = job.where
    async with facts.reading(where.bootstrap) as consumer:
        ends = await facts.ends(consumer, where.prefix)
        present = facts.of_tenant(consumer, where.prefix, job.tenant_id, ends)
        known = {facts.id_of(facts.as_row(*found)) async for found in present}
        given = job.archive.rows(FACTS)
        done.facts = await facts.append(where.bootstrap, where.prefix, given, known)
        return await facts.ends(consumer, where.prefix)


def _wait(job: Job, ends: dict[Place, int]) -> None:
    """Until relay, read models and the schedule have told and folded all. Raises DoesNotHold."""
    until = time.monotonic() + PATIENCE_S
    _until(until, lambda: "" if _relayed(job) else "the relay")
    where = job.where
    decided = asyncio.run(facts.decided_end(where.bootstrap, where.prefix, job.tenant_id))
    _until(until, partial(_behind, job, ends | decided))


def _until(deadline: float, behind: Callable[[], str]) -> None:
    while reader := behind():
        if time.monotonic() >= deadline:
            raise DoesNotHold(
                f"{reader} did not read what was imported: `penguin status`, then import again"
            )
        time.sleep(POLL_S)


def _relayed(job: Job) -> bool:
    with job.transaction() as conn:
        row = conn.execute(rows.SQL["relayed"], {"tenant_id": job.tenant_id}).fetchone()
    return bool(row and row[0])


def _behind(job: Job, ends: dict[Place, int]) -> str:
    """A reader that has not folded all of it yet, or nothing."""
    with job.transaction() as conn:
        found = conn.execute(
            "SELECT topic, part, next_offset FROM app.cursor WHERE reader = %s", (SCHEDULE,)
        ).fetchall()
        if not found or any(at < ends.get((topic, part), 0) for topic, part, at in found):
            return SCHEDULE
        return portable.behind(conn, ends)


def _compare(job: Job, done: Imported) -> None:
    expected = job.archive.manifest["sums"]
    with job.transaction() as conn:
        found = portable.sums(conn, job.tenant_id)
    done.differing = portable.differing(expected, found)
    done.not_compared = portable.unknown(expected, found)
    done.equal = not done.differing


def _end(job: Job, done: Imported, campaigns: list[str]) -> None:
    """Cancel what is open, suspend the tenant, and only then let the hold go."""
    with open_desk(job.where) as desk:
        for stream in campaigns:
            if _cancelled(desk, job.tenant_id, stream):
                done.cancelled.append(stream.removeprefix(campaign.stream("")))
        suspend = partial(tenant.suspend, reason=REASON)
        stream = tenant.stream(job.tenant_id)
        desk.decide(tenant, stream, suspend, tenant_id=job.tenant_id)
    _wait(job, {})
    with job.transaction() as conn:
        conn.execute(rows.SQL["let_go"], {"tenant_id": job.tenant_id})
    done.suspended = True


def _cancelled(desk: Desk, tenant_id: str, stream: str) -> bool:
    """Cancel a campaign that could still send or launch; a draft stays a draft."""

    def decide(state: campaign.State) -> Any:
        if state.status not in OPEN:
            return ()
        return campaign.cancel(state, reason="its tenant was moved here")

    return bool(desk.decide(campaign, stream, decide, tenant_id=tenant_id).events)
