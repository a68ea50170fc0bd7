"""Asks the rows why something is not sending, as the API does; for people and for scripts."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import orjson

from adapters import postgres
from domain.ids import PREFIXES
from domain.refusals import Invalid
from domain.suppression import hash_key
from ops.where import Where
from projections.reads import Bound
from projections.whynot import why
from projections.whynot.why import Answer

#: Whose a thing is, by the prefix of its id: as the projector, who sees all tenants.
OWNERS = {
    "cmp": "SELECT tenant_id FROM rm.campaign WHERE campaign_id = %s",
    "ip": "SELECT tenant_id FROM pipeline.ip WHERE ip = %s",
    "snd": "SELECT tenant_id FROM rm.send_ledger WHERE send_id = %s",
}
KINDS = {"cmp": "campaign", "ip": "sending IP", "snd": "send"}
SHOWN_MAX = 12  # of the other limits, for people


def ask(where: Where, thing: str) -> dict[str, Any]:
    """The answer. Raises Invalid for what is no id of these, or one that nothing has."""
    prefix = thing.partition("_")[0]
    if prefix not in KINDS or thing == prefix:
        known = ", ".join(f"{name}_…" for name in KINDS)
        kind = "it is the id of something else" if prefix in PREFIXES else "it is no id"
        raise Invalid(f"{thing!r:.80}: {kind}; give a campaign, a sending IP or a send: {known}")
    found = asyncio.run(_ask(where, prefix, thing))
    if found is None:
        raise Invalid(f"there is no {KINDS[prefix]} {thing}; `penguin events` tells what there is")
    return found.as_json()


async def _ask(where: Where, prefix: str, thing: str) -> Answer | None:
    async with await postgres.connect(where.dsn, "pm_projector", connect_timeout=5) as conn:
        row = await (await conn.execute(OWNERS[prefix].encode(), (thing,))).fetchone()
    if row is None:
        return None
    async with await postgres.connect(where.dsn, "pm_api", connect_timeout=5) as conn:
        bound = Bound(conn, str(row[0]))
        if prefix == "cmp":
            return await why.of_a_campaign(bound, thing)
        if prefix == "ip":
            return await why.of_an_ip(bound, thing)
        return await why.of_a_send(bound, thing, hash_key=hash_key(where.id_key))


def as_line(found: dict[str, Any]) -> str:
    """One JSON object; times as the API writes them."""
    return orjson.dumps(found, option=orjson.OPT_UTC_Z).decode()


def told(found: dict[str, Any]) -> str:
    """The same for people."""
    moves = "something is on its way" if found["sending"] else "nothing is on its way"
    lines = [f"{found['object'].replace('_', ' ')} {found['id']} is {found['state']}; {moves}"]
    binding = found["binding"]
    if binding:
        lines += ["", *_limit("binds", binding), f"{'':10} evidence: {_evidence(binding)}"]
    else:
        lines += ["", "nothing binds"]
    if found["others"]:
        lines.append("")
    for one in found["others"][:SHOWN_MAX]:
        lines += _limit("also", one)
    if len(found["others"]) > SHOWN_MAX:
        lines.append(f"{'':10} and {len(found['others']) - SHOWN_MAX} more: --json tells all")
    return "\n".join(lines)


def _limit(mark: str, limit: dict[str, Any]) -> list[str]:
    where = " ".join(filter(None, (limit["scope"], limit["scope_id"], limit["provider"])))
    lines = [f"{mark:<10} {limit['limit']} ({limit['rule']}) of {where}: {limit['detail']}"]
    if limit["lifts_at"]:
        lines.append(f"{'':10} lifts at {_moment(limit['lifts_at'])}")
    if mark == "binds" and limit["cure"]:
        lines.append(f"{'':10} cure: {limit['cure']}")
    return lines


def _evidence(limit: dict[str, Any]) -> str:
    parts = [f"{name} {_plain(value)}" for name, value in limit["evidence"].items()]
    return ", ".join(parts) or "the state itself"


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return _moment(value)
    return "none" if value is None or value == "" else str(value)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
