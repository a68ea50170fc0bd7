"""Volume control's rows from the log, in place of those that are there; or compared with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg
from eventsourcing.persistence import IntegrityError
from psycopg import Connection
from psycopg.rows import DictRow, dict_row

from adapters import codec, postgres
from adapters.decision_log import type_of
from adapters.event_store import EventStore, Followed
from adapters.log_spans import KafkaSpans
from domain.event import Event
from domain.governor.standing import corrections, last_told
from domain.ids import new_id
from ops import volume_replay
from ops.errors import DoesNotHold
from ops.volume_replay import Replayed
from ops.where import Where
from projections.cursors import partitions_of
from streams.columns import columns
from streams.volume import sifting
from streams.volume.folds import RULES
from streams.volume.inputs import Fact
from streams.volume.sifting import TOPICS, Place
from streams.volume.store import ACTOR, KEPT_MS, SQL, moment

TRIES = 5
RELAYED_S = 1.0  # until what was decided is in the log
PLACES = [(place.topic, place.partition) for place in partitions_of(TOPICS)]
SIGNALS = [place for place in PLACES if place[0] == TOPICS[1].value]
CHUNK = 2000
STORED = """
SELECT originator_id, originator_version, topic, state FROM es.decision_events
WHERE actor = 'volume_control' ORDER BY notification_id
"""
TURNS = "SELECT coalesce(sum(told), 0)::bigint FROM pipeline.volume_worker"
ROWS = "SELECT tenant_id, intake, state, reputation FROM pipeline.volume_state"


@dataclass
class _Stored:
    """What the event store has of volume control: how long each stream is, and what was told."""

    lengths: dict[str, int]
    told: dict[str, list[Event]]  # by stream


@dataclass(frozen=True)
class _Fresh:
    """All that the rows are made of."""

    replayed: Replayed
    log_ids: Mapping[Place, str]
    ends: Mapping[Place, int]
    signals: Sequence[tuple[Fact, bool]]  # and whether it was folded
    corrected: Mapping[str, tuple[Event, ...]]
    stored: _Stored


async def compare(where: Where) -> dict[str, Any]:
    """Replay as many turns as the rows have seen; hold the states beside them, byte for byte.

    A worker may go on meanwhile.
    """
    turns, rows = _rows(where)
    async with KafkaSpans(where.bootstrap, where.prefix) as spans:
        for _ in range(TRIES):
            replayed = await volume_replay.replay(spans, PLACES, where.prefix, turns_max=turns)
            if replayed.turns == turns:
                break
            await asyncio.sleep(RELAYED_S)  # the last turns are on their way into the log
    found = {one: state.encoded() for one, state in replayed.states.items()}
    differ = sorted(one for one in found | rows if found.get(one) != rows.get(one))
    told = {"object": "volume_comparison", "turns": replayed.turns, "tenants": len(found)}
    return told | {"rules": RULES, "differ": differ, "ok": not differ}


async def rebuild(where: Where) -> dict[str, Any]:
    """Put the log's states, cursors and signals in place of the rows, in one transaction.

    Raises DoesNotHold while the event store and the log tell of other turns.
    """
    async with KafkaSpans(where.bootstrap, where.prefix) as spans:
        for _ in range(TRIES):
            fresh = await gathered(where, spans)
            if _agree(fresh):
                break
            await asyncio.sleep(RELAYED_S)
        else:
            raise DoesNotHold(
                "the event store and the log tell of other turns of volume control: if the role"
                " `volume` runs, try again; if Postgres was restored, `penguin restore` first"
            )
    put(where, fresh)
    told = {"object": "volume_rebuild", "turns": fresh.replayed.turns, "rules": RULES}
    decided = sum(map(len, fresh.corrected.values()))
    return told | {"tenants": len(fresh.replayed.states), "corrections": decided}


async def gathered(where: Where, spans: KafkaSpans) -> _Fresh:
    """What the log tells, and what the event store and Kafka say beside it."""
    traced: set[str] = set()
    replayed = await volume_replay.replay(
        spans,
        PLACES,
        where.prefix,
        watch=lambda advance, *_: traced.update(one["event_id"] for one in advance.traced),
    )
    stored = _stored(where)
    corrected = {
        tenant_id: corrections(state.states[0], last_told(stored.told.get(_stream(tenant_id), ())))
        for tenant_id, state in replayed.states.items()
    }
    ends = await spans.ends(PLACES)
    signals = await _signals(where, spans, replayed, traced)
    return _Fresh(replayed, await spans.log_ids(PLACES), ends, signals, corrected, stored)


async def _signals(
    where: Where, spans: KafkaSpans, replayed: Replayed, traced: set[str]
) -> list[tuple[Fact, bool]]:
    """Signals below the cursor that may still be told again, or whose send may become known."""
    found: dict[str, Fact] = {}
    latest = 0
    for place in SIGNALS:
        start, stop = 0, replayed.upto.get(place, 0)
        while start < stop:
            records = await spans.read(*place, start, stop, CHUNK)
            run = [sifting.raw(record, where.prefix) for record in records]
            for fact in sifting.sift({place: run}, replayed.states.keys()).signals:
                found.setdefault(fact.event_id, fact)
            latest = max(latest, *(one.at_ms for one in run))
            start = run[-1].offset + 1
    kept = [fact for fact in found.values() if fact.at_ms > latest - KEPT_MS]
    return [(fact, fact.event_id in traced) for fact in kept]


def _agree(fresh: _Fresh) -> bool:
    workers = {
        stream.removeprefix("volume-"): length
        for stream, length in fresh.stored.lengths.items()
        if stream.startswith("volume-")
    }
    return workers == fresh.replayed.told


def _stream(tenant_id: str) -> str:
    return f"governor-{tenant_id}"


def _stored(where: Where) -> _Stored:
    found = _Stored({}, {})
    with postgres.connect_sync(where.dsn, "pm_projector", row_factory=dict_row) as conn:
        rows: Any = conn.execute(STORED)
        for row in rows:
            stream = row["originator_id"]
            found.lengths[stream] = row["originator_version"]
            event = codec.decode(*type_of(row["topic"]), bytes(row["state"]))
            found.told.setdefault(stream, []).append(event)
    return found


def _rows(where: Where) -> tuple[int, dict[str, tuple[bytes, ...]]]:
    """Of one moment: how many turns were taken, and the states after them."""
    with psycopg.connect(where.dsn) as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        (turns,) = conn.execute(TURNS).fetchone() or (0,)
        return turns, {tenant: tuple(map(bytes, parts)) for tenant, *parts in conn.execute(ROWS)}


# ---- writing


def put(where: Where, fresh: _Fresh) -> None:
    """In place of the rows, unless they went further: DoesNotHold, and nothing is changed."""
    lengths = fresh.stored.lengths
    followed = [
        Followed(
            _stream(tenant_id),
            lengths.get(_stream(tenant_id), 0),
            [(new_id("evt"), event) for event in events],
            {"tenant_id": tenant_id, "actor": ACTOR},
        )
        for tenant_id, events in fresh.corrected.items()
        if events
    ]
    with ExitStack() as stack:
        store = stack.enter_context(EventStore(where.dsn, "pm_worker", needs_relay=True))
        try:
            store.append(followed, lambda conn: _write_rows(conn, fresh))
        except IntegrityError as error:
            raise DoesNotHold("volume control went on meanwhile; try again") from error


def _write_rows(conn: Connection[DictRow], fresh: _Fresh) -> None:
    row = conn.execute("SELECT tenants FROM pipeline.volume_roster FOR UPDATE").fetchone()
    if row is None:
        raise DoesNotHold("pipeline.volume_roster is empty: `penguin up` migrates the database")
    workers = conn.execute("SELECT worker, told FROM pipeline.volume_worker").fetchall()
    if any(one["told"] > fresh.replayed.told.get(one["worker"], 0) for one in workers):
        raise DoesNotHold("volume control went on meanwhile: stop the role `volume`, or try again")
    before = conn.execute("SELECT coalesce(max(version), 0) AS v FROM pipeline.volume_state")
    version = (before.fetchone() or {"v": 0})["v"] + 1
    conn.execute("DELETE FROM pipeline.volume_state")
    states = [
        (tenant_id, _told(fresh, tenant_id), *state.encoded(), moment(state.due_s()))
        for tenant_id, state in sorted(fresh.replayed.states.items())
    ]
    names = "tenant_ids tolds intakes states reputations wakes"
    conn.execute(SQL["add"], columns(names, states) | {"rules": RULES})
    conn.execute("UPDATE pipeline.volume_state SET version = %s", (version,))
    conn.execute("UPDATE pipeline.volume_roster SET tenants = %s", (len(states),))
    for worker, told in fresh.replayed.told.items():
        conn.execute(
            "INSERT INTO pipeline.volume_worker VALUES (%(worker)s, %(told)s)"
            " ON CONFLICT (worker) DO UPDATE SET told = %(told)s",
            {"worker": worker, "told": told},
        )
    _write_cursors(conn, fresh)
    _write_signals(conn, fresh)


def _told(fresh: _Fresh, tenant_id: str) -> int:
    return fresh.stored.lengths.get(_stream(tenant_id), 0) + len(fresh.corrected[tenant_id])


def _write_cursors(conn: Connection[DictRow], fresh: _Fresh) -> None:
    """As far as the log tells of turns; what was passed over beyond is not looked at again."""
    for (topic, part), log_id in fresh.log_ids.items():
        values = {
            "topic": topic,
            "part": part,
            "log_id": log_id,
            "upto": fresh.replayed.upto.get((topic, part), 0),
            "ends": fresh.ends[topic, part],
        }
        conn.execute(
            "INSERT INTO pipeline.volume_cursor AS c (topic, part, next_offset, log_id)"
            " VALUES (%(topic)s, %(part)s, %(upto)s, %(log_id)s)"
            " ON CONFLICT (topic, part) DO UPDATE SET log_id = %(log_id)s, next_offset = CASE"
            " WHEN c.log_id = %(log_id)s AND c.next_offset <= %(ends)s"
            " THEN greatest(c.next_offset, %(upto)s) ELSE %(upto)s END",
            values,
        )


def _write_signals(conn: Connection[DictRow], fresh: _Fresh) -> None:
    for fact, folded in fresh.signals:
        event: Any = fact.event
        values = {
            "tenant_id": fact.tenant_id,
            "event_id": fact.event_id,
            "kind": event.event_type.name,
            "send_id": event.send_id,
            "part": fact.partition,
            "off": fact.offset,
            "at_ms": fact.at_ms,
            "folded": folded,
        }
        conn.execute(
            "INSERT INTO pipeline.volume_signal AS s (tenant_id, event_id, kind, send_id, part,"
            " off, at_ms, next_try_at) VALUES (%(tenant_id)s, %(event_id)s, %(kind)s,"
            " %(send_id)s, %(part)s, %(off)s, %(at_ms)s,"
            " CASE WHEN NOT %(folded)s THEN clock_timestamp() END)"
            " ON CONFLICT (tenant_id, event_id) DO UPDATE SET next_try_at ="
            " CASE WHEN NOT %(folded)s THEN s.next_try_at END",
            values,
        )
