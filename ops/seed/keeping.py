"""Keeps one seeded tenant: its people in the vault, its decisions in the decision log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from psycopg import Connection, Cursor
from psycopg.types.json import Jsonb

from adapters import postgres
from adapters.decision_log import Decisions
from adapters.postgres import named_sql
from ops.launching.desk import ACTOR
from ops.seed.sends import outcomes
from ops.seed.world import PROVIDERS, World

SQL = named_sql(Path(__file__).with_name("seed.sql"))
FIRST = ("Ada", "Bjørn", "Chloé", "Dmitri", "Fatima", "Grace", "Hiroshi", "Ines", "Jürgen", "Zoë")
LEADS_AT_ONCE = 5000
CITIES = ("Oslo", "Porto Alegre", "Kraków", "Reykjavík", "Wellington", "Ushuaia")


def keep(conn: Connection[Any], log: Decisions, world: World) -> int:
    """Keep the tenant; how many decisions that took, 0 when it was kept before."""
    with conn.transaction():
        postgres.set_tenant(conn, world.tenant_id)
        _fill_vault(conn.cursor(), world)
    return _decide(log, world)


def _fill_vault(cursor: Cursor[Any], world: World) -> None:
    own = {"tenant_id": world.tenant_id}
    _name(cursor, world)
    cursor.execute(SQL["make_list"], own | {"list_id": world.list_id, "at": world.now})
    body = {"content_id": world.content.content_id, "body": Jsonb(world.content.body)}
    cursor.execute(SQL["keep_content"], own | body)
    sender = {"sender_id": world.id("sdr"), "address": f"news@{world.domain}"}
    cursor.execute(SQL["keep_sender"], own | sender)
    planned = [mailing.campaign_id for mailing in world.mailings]
    cursor.execute(SQL["plan_is_done"], own | {"campaign_ids": planned})
    known = cursor.execute(SQL["seeded"], own).fetchone()
    if known and not known[0]:
        _add_leads(cursor, world)


def _name(cursor: Cursor[Any], world: World) -> None:
    labels = [
        (world.tenant_id, "tenant", world.name),
        (world.list_id, "list", "Everybody"),
        (world.id("tpl"), "template", "Welcome"),
        *(
            (mailing.campaign_id, "campaign", f"Mailing {nth}")
            for nth, mailing in enumerate(world.mailings, 1)
        ),
    ]
    ids, kinds, names = zip(*labels, strict=True)
    values = {"ids": list(ids), "kinds": list(kinds), "labels": list(names)}
    cursor.execute(SQL["name_things"], values | {"tenant_id": world.tenant_id})


def _add_leads(cursor: Cursor[Any], world: World) -> None:
    import_id, rows = world.id("imp"), world.share.leads
    noted = {"import_id": import_id, "list_id": world.list_id, "rows": rows, "at": world.now}
    own = noted | {"tenant_id": world.tenant_id, "fields": ["first_name", "city"]}
    cursor.execute(SQL["note_import"], own)
    for start in range(0, rows, LEADS_AT_ONCE):
        numbers = range(start, min(rows, start + LEADS_AT_ONCE))
        columns = {
            "contact_ids": [world.contact(number) for number in numbers],
            "addresses": [_address(world, number) for number in numbers],
            "domains": [_domain(world, number) for number in numbers],
            "fields": [_fields(number) for number in numbers],
        }
        cursor.execute(SQL["add_contacts"], own | columns)
        cursor.execute(SQL["add_members"], own | columns)


def _domain(world: World, number: int) -> str:
    return PROVIDERS[world.provider(number)][0]


def _address(world: World, number: int) -> str:
    return f"lead{number:07}.{world.share.number}@{_domain(world, number)}"


def _fields(number: int) -> str:
    fields = {"first_name": FIRST[number % len(FIRST)], "city": CITIES[number % len(CITIES)]}
    return orjson.dumps(fields).decode()


def _decide(log: Decisions, world: World) -> int:
    command_id = world.id("cmd", "seed")
    context: Any = {"tenant_id": world.tenant_id, "actor": ACTOR, "command_id": command_id}
    stream = f"tenant-{world.tenant_id}"
    if log.decision_recorder.select_stream(stream, context, code="").answer:
        return 0
    entries = world.entries(lambda mailing: outcomes(world, mailing))
    log.save(*entries, context=context, stream_id=stream)
    return len(entries)
