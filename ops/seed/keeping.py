"""Keeps seeded tenants: their people in the vault, their decisions in the decision log.

Many at a time: the vault in one transaction, then the decisions. Who has all decisions has all
people as well, and is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

import orjson
import psycopg
from psycopg import Connection

from adapters import postgres
from adapters.decision_log import type_of
from adapters.event_store import EventStore
from adapters.message.template_file import Content
from adapters.postgres import named_sql
from domain import campaign
from domain.ports import Decided, Decider, Outcome
from ops.errors import Missing, Usage
from ops.launching.desk import RELAY_PATIENCE_S, Patient
from ops.seed.sends import outcomes
from ops.seed.world import PROVIDERS, World
from ops.where import Where

SQL = named_sql(Path(__file__).with_name("seed.sql"))
FIRST = ("Ada", "Bjørn", "Chloé", "Dmitri", "Fatima", "Grace", "Hiroshi", "Ines", "Jürgen", "Zoë")
CITIES = ("Oslo", "Porto Alegre", "Kraków", "Reykjavík", "Wellington", "Ushuaia")
FIELDS = [[{"first_name": first, "city": city} for city in CITIES] for first in FIRST]
LEADS_AT_ONCE = 5000
TENANTS_AT_ONCE = 100


def groups(worlds: Iterable[World]) -> Iterator[list[World]]:
    """So many tenants at a time, or so many leads."""
    group: list[World] = []
    leads = 0
    for world in worlds:
        group.append(world)
        leads += world.share.leads
        if len(group) == TENANTS_AT_ONCE or leads >= LEADS_AT_ONCE:
            yield group
            group, leads = [], 0
    if group:
        yield group


@dataclass
class Keeper:
    """Where tenants are kept. `log` sees what every tenant's log holds, and changes nothing."""

    vault: Connection[Any]
    log: Connection[Any]
    store: EventStore
    decider: Decider = field(init=False)

    def __post_init__(self) -> None:
        self.decider = Patient(self.store, RELAY_PATIENCE_S)

    @classmethod
    def at(cls, where: Where) -> Self:
        """Raises Missing when the stack's database does not answer."""
        try:
            vault = postgres.connect_sync(where.dsn, "pm_worker")
            log = postgres.connect_sync(where.dsn, "pm_projector")
        except psycopg.OperationalError as error:
            raise Missing(f"Postgres does not answer: `penguin up` starts it ({error})") from error
        # The decisions' commit, which waits for the disk, brings what was written before it along.
        vault.execute("SET synchronous_commit = off")
        vault.execute(SQL["prepare"])
        return cls(vault, log, EventStore(where.dsn, "pm_worker", needs_relay=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()
        self.vault.close()
        self.log.close()

    def keep(self, worlds: Sequence[World]) -> int:
        """Keep these tenants; how many decisions that took, 0 when they were kept before."""
        streams = [world.last_stream for world in worlds]
        begun = {name for (name,) in self.log.execute(SQL["begun"], {"streams": streams})}
        missing = [world for world in worlds if world.last_stream not in begun]
        if not missing:
            return 0
        with self.vault.transaction():
            _fill_vault(self.vault, missing)
        wanted = [one for world in missing for one in world.wanted(outcomes)]
        return sum(map(_count, self.decider.transact_many(wanted)))

    def check_same_shape(self, biggest: World) -> None:
        """Raises Usage when the stack was seeded with other sizes: parts of both would be there."""
        expected = {campaign.stream(one.campaign_id): one.sends for one in biggest.mailings}
        one_more = campaign.stream(biggest.campaign_id(len(expected)))
        streams = [biggest.list_stream, one_more, *expected]
        for stream_id, topic, state in self.log.execute(SQL["told"], {"streams": streams}):
            name, _ = type_of(topic)
            told = orjson.loads(bytes(state))
            other = (
                stream_id == one_more
                or (name == "LeadsImported" and told["rows"] != biggest.share.leads)
                or (name == "CampaignFinished" and told["requested"] != expected[stream_id])
            )
            if other:
                raise Usage(
                    "--tenants, --leads, --sends: this stack was seeded with other sizes, and its "
                    "tenants keep what they have; give those sizes again, or `penguin up` another "
                    "folder (--data)"
                )


def _count(outcome: Outcome) -> int:
    """Events. Raises Usage: what a seed needs is another's already."""
    if not isinstance(outcome, Decided):
        raise Usage(f"what seeding needs is refused: {outcome}; take a fresh folder (--data)")
    return len(outcome.events)


def _fill_vault(conn: Connection[Any], worlds: Sequence[World]) -> None:
    one = worlds[0]
    shared = {"content_id": one.content.content_id, "body": _text(one.content), "at": one.now}
    conn.execute(SQL["fill"], shared | _given([_filled(world) for world in worlds]))
    for leads in _leads_at_once(worlds):
        conn.execute(SQL["add_leads"], _given(leads))


def _given(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"setting": postgres.bound_by(), "given": orjson.dumps(parts).decode()}


@cache
def _text(content: Content) -> str:
    return orjson.dumps(content.body).decode()


def _filled(world: World) -> dict[str, Any]:
    labels = [
        (world.tenant_id, "tenant", world.name),
        (world.list_id, "list", "Everybody"),
        (world.id("tpl"), "template", "Welcome"),
        *(
            (mailing.campaign_id, "campaign", f"Mailing {nth}")
            for nth, mailing in enumerate(world.mailings, 1)
        ),
    ]
    return _own(world) | {
        "rows": world.share.leads,
        "sender_id": world.id("sdr"),
        "sender": f"news@{world.domain}",
        "campaign_ids": [mailing.campaign_id for mailing in world.mailings],
        "labels": [{"id": id_, "kind": kind, "label": label} for id_, kind, label in labels],
    }


def _own(world: World) -> dict[str, Any]:
    names = {"tenant_id": world.tenant_id, "list_id": world.list_id}
    return names | {"import_id": world.id("imp")}


def _leads_at_once(worlds: Sequence[World]) -> Iterator[list[dict[str, Any]]]:
    """All leads, so many at a time."""
    parts: list[dict[str, Any]] = []
    room = LEADS_AT_ONCE
    for world in worlds:
        start = 0
        while start < world.share.leads:
            numbers = range(start, min(world.share.leads, start + room))
            parts.append(_own(world) | {"leads": [_lead(world, number) for number in numbers]})
            start, room = numbers.stop, room - len(numbers)
            if not room:
                yield parts
                parts, room = [], LEADS_AT_ONCE
    if parts:
        yield parts


def _lead(world: World, number: int) -> dict[str, Any]:
    domain = PROVIDERS[world.provider(number)][0]
    return {
        "contact_id": world.contact(number),
        "address": f"lead{number:07}.{world.share.number}@{domain}",
        "domain": domain,
        "fields": FIELDS[number % len(FIRST)][number % len(CITIES)],
    }
