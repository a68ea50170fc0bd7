"""How soon the API answers in a database of ten million sends, and what its neighbours notice.

    python tests/bench/queries.py [--tenants 10000] [--leads 1000000] [--sends 10000000]
                                  [--requests 2000] [--writes 20] [--data DIR] [--json]

On a stack of its own, filled by `penguin seed`; --data: on a stack that runs there, filled already.
Each question is asked --requests times, 16 at once, by twenty tenants with API keys of theirs, the
biggest among them, while two other tenants change leads, --writes a second together. The quantiles
leave out no answer, and each request passes the count of its key's rate. What the processes and
the clients take of the same processors is told. Then: sequential scans of tenant tables that all of
this made (from Postgres's own counters), one tenant at full load beside another that asks now and
then, how long it takes to be told that another tenant's id, or nobody's, is not there, and commands
a second.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.bench.http_load import Measured, Request, load
from tests.bench.stack import Stack, running

AT_ONCE = 16
WRITERS = 2
#: What is measured is not what one key is allowed; but each request is counted.
UNLIMITED = {"PM_API_RATE_PER_MIN": "10000000", "PM_API_BURST": "10000000"}
ASKING = 20  # tenants: the ten biggest, and ten small ones
COMMANDS = 300
SCANS = """
SELECT schemaname || '.' || relname, seq_scan FROM pg_stat_user_tables
WHERE schemaname IN ('rm', 'vault', 'es') AND n_live_tup > 10000
"""


@dataclass(frozen=True)
class Tenant:
    """One that asks: its key, and ids of its things."""

    name: str
    tenant_id: str
    key: str
    campaigns: list[str]
    sends: list[str]
    leads: list[str]

    def request(self, method: str, path: str, body: Any = None) -> Request:
        data = json.dumps(body).encode() if body is not None else b""
        headers = {"Authorization": f"Bearer {self.key}", "If-Match": "*"}
        return Request(method, path, headers, data)


#: What is asked → how, with a choice of its own for each request.
Ask = Callable[[Tenant, random.Random], Request]
QUESTIONS: dict[str, Ask] = {
    "dashboard overview": lambda t, _: t.request("GET", "/v1/overview?range=30d"),
    "campaign counters": lambda t, r: t.request("GET", f"/v1/campaigns/{r.choice(t.campaigns)}"),
    "ledger page, filtered": lambda t, r: t.request(
        "GET", f"/v1/sends?campaign_id={r.choice(t.campaigns)}&state=rejected&limit=50"
    ),
    "one send's story": lambda t, r: t.request("GET", f"/v1/sends/{r.choice(t.sends)}"),
    "lead search": lambda t, r: t.request(
        "GET", f"/v1/leads?address_prefix=lead{r.randrange(1000):07}"
    ),
}


def tenants(stack: Stack, dsn: str, count: int) -> list[Tenant]:
    """The biggest and some small ones, each with a key."""
    numbers = [*range(1, ASKING // 2 + 1), *range(count - ASKING // 2 + 1, count + 1)]
    return [_tenant(stack, dsn, f"seed-{number:06}") for number in dict.fromkeys(numbers)]


def _tenant(stack: Stack, dsn: str, name: str) -> Tenant:
    made = stack.run("keys", "create", "--tenant-name", name, "--role", "owner")
    own = made["tenant_id"]
    with psycopg.connect(dsn, autocommit=True) as conn:

        def ids(query: str) -> list[str]:
            return [row[0] for row in conn.execute(query.encode(), (own,)).fetchall()]

        return Tenant(
            name,
            own,
            made["key"],
            ids("SELECT campaign_id FROM rm.campaign WHERE tenant_id = %s LIMIT 50"),
            ids("SELECT send_id FROM rm.send_ledger WHERE tenant_id = %s LIMIT 500"),
            ids("SELECT contact_id FROM vault.contact WHERE tenant_id = %s LIMIT 500"),
        )


def edits(tenant: Tenant) -> Iterator[Request]:
    """Changes to leads, for ever."""
    for number, lead in zip(itertools.count(), itertools.cycle(tenant.leads), strict=False):
        yield tenant.request("PATCH", f"/v1/leads/{lead}", {"fields": {"city": f"Oslo {number}"}})


def drafts(tenant: Tenant) -> Iterator[Request]:
    """Campaigns put together, for ever, like one that the tenant sent before."""
    for number in itertools.count():
        campaign = tenant.campaigns[number % len(tenant.campaigns)]
        yield tenant.request("POST", f"/v1/campaigns/{campaign}/duplicate", {})


async def asked(
    base: str, asking: list[Tenant], ask: Ask, requests: int, writes: float
) -> tuple[Measured, float]:
    """One question so many times, tenants by turns; and the writes a second of others beside it."""
    chance, done = random.Random(1), asyncio.Event()
    turns = itertools.islice(itertools.cycle(asking[:-WRITERS]), requests)
    writing = [
        asyncio.create_task(
            load(base, edits(tenant), clients=1, until=done.is_set, per_s=writes / WRITERS)
        )
        for tenant in asking[-WRITERS:]
    ]
    measured = await load(base, (ask(tenant, chance) for tenant in turns), clients=AT_ONCE)
    done.set()
    written = await asyncio.gather(*writing)
    for one in written:
        one.as_json()  # raises where one was refused
    return measured, round(sum(one.per_s for one in written), 1)


def answered(
    stack: Stack, asking: list[Tenant], ask: Ask, requests: int, writes: float
) -> dict[str, Any]:
    """One question's figures. CPU of the processes is all that they took meanwhile."""
    before, base = stack.cpu_s(), stack.addresses["api_url"]
    measured, written_per_s = asyncio.run(asked(base, asking, ask, requests, writes))
    spent = {name: cpu_s - before.get(name, 0.0) for name, cpu_s in stack.cpu_s().items()}
    shown = {name: spent.pop(name) for name in ("api", "postgres")}
    shown["others"] = sum(spent.values())
    cpu_ms = {name: round(cpu_s * 1000 / requests, 2) for name, cpu_s in shown.items()}
    return measured.as_json() | {"written_per_s": written_per_s, "cpu_ms": cpu_ms}


#: Questions about one thing, and which ids of another tenant they are asked with.
FOREIGN: dict[str, tuple[str, Callable[[Tenant], list[str]]]] = {
    "campaign": ("/v1/campaigns/{}", lambda t: t.campaigns),
    "send": ("/v1/sends/{}", lambda t: t.sends),
    "lead": ("/v1/leads/{}", lambda t: t.leads),
}


async def told_apart(base: str, mine: Tenant, theirs: Tenant, requests: int) -> dict[str, Any]:
    """How long 404 takes for ids of another tenant and for ids of nobody, asked by turns."""
    found: dict[str, Any] = {}
    for name, (path, ids) in FOREIGN.items():
        foreign, unknown = Measured(), Measured()
        for number in range(requests):
            thing = ids(theirs)[number % len(ids(theirs))]
            for told, given in ((foreign, thing), (unknown, nobodys(thing, number))):
                one = await load(base, iter([mine.request("GET", path.format(given))]), clients=1)
                if one.statuses != {404: 1}:
                    raise RuntimeError(f"not 404, so there is no figure: {one.statuses}")
                told.times_s += one.times_s
        found[name] = {
            f"{kind}_p{share * 100:.0f}_ms": told.quantile_ms(share)
            for kind, told in (("foreign", foreign), ("unknown", unknown))
            for share in (0.5, 0.9)
        }
    return found


def nobodys(thing: str, number: int) -> str:
    """An id of the same kind and length that nothing has."""
    return f"{thing[:-8]}{number:08}"


async def beside_a_loud_one(base: str, asking: list[Tenant], requests: int) -> dict[str, Any]:
    """The questions of a tenant that asks one at a time: alone, and while another asks 16."""
    quiet, loud = asking[1], asking[0]

    def turns(tenant: Tenant, count: int | None) -> Iterator[Request]:
        chance = random.Random(2)
        asks = itertools.islice(itertools.cycle(QUESTIONS.values()), count)
        return (ask(tenant, chance) for ask in asks)

    alone = await load(base, turns(quiet, requests), clients=1)
    done = asyncio.Event()
    noise = asyncio.create_task(load(base, turns(loud, None), clients=AT_ONCE, until=done.is_set))
    beside = await load(base, turns(quiet, requests), clients=1)
    done.set()
    shouted = await noise
    times = beside.quantile_ms(0.99) / alone.quantile_ms(0.99)
    return {
        "alone": alone.as_json(),
        "beside": beside.as_json(),
        "loud_per_s": shouted.per_s,
        "p99_times": round(times, 2),
    }


async def commanded(base: str, tenant: Tenant, count: int) -> dict[str, float]:
    """Commands a second, 16 at once."""
    found = {}
    for name, made in (("lead edits", edits), ("campaign drafts", drafts)):
        measured = await load(base, itertools.islice(made(tenant), count), clients=AT_ONCE)
        measured.as_json()  # raises where one was refused
        found[name] = measured.per_s
    return found


def scans(dsn: str) -> dict[str, int]:
    """Sequential scans so far of each tenant table that is not small."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("SELECT pg_stat_force_next_flush()")
        return dict(conn.execute(SCANS.encode()).fetchall())


def measured(stack: Stack, count: int, requests: int, writes: float) -> dict[str, Any]:
    """All of it on a filled stack. Raises where an answer was none."""
    dsn, base = stack.addresses["dsn"], stack.addresses["api_url"]
    asking = tenants(stack, dsn, count)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")  # as autovacuum has by the time that anybody looks
    before = scans(dsn)
    questions = {
        name: answered(stack, asking, ask, requests, writes) for name, ask in QUESTIONS.items()
    }
    after = scans(dsn)
    return {
        "questions": questions,
        "sequential_scans": {
            name: after[name] - scanned for name, scanned in before.items() if after[name] > scanned
        },
        "neighbour": asyncio.run(beside_a_loud_one(base, asking, requests // 4)),
        "told_apart": asyncio.run(told_apart(base, asking[1], asking[0], requests // 4)),
        "commands_per_s": asyncio.run(commanded(base, asking[-1], COMMANDS)),
    }


def told(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    lines = [
        f"{one['p50_ms']:8.1f} ms p50 {one['p99_ms']:8.1f} ms p99 {one['per_s']:8.1f}/s  {name} "
        f"(beside {one['written_per_s']} writes/s; "
        f"ms of CPU each: {one['cpu_ms']}, clients {one['client_cpu_ms']})"
        for name, one in found["questions"].items()
    ]
    near, apart = found["neighbour"], found["told_apart"]
    return [
        *lines,
        f"sequential scans of tenant tables: {found['sequential_scans'] or 'none'}",
        f"beside a tenant at full load p99 is {near['p99_times']} times that alone",
        *(f"404 for another tenant's {name}, and nobody's: {one}" for name, one in apart.items()),
        *(f"{per_s:8.1f}/s  {name}" for name, per_s in found["commands_per_s"].items()),
    ]


def main() -> None:
    """Fill, measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=10_000)
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--sends", type=int, default=10_000_000)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--writes", type=float, default=20.0, help="a second; 0: without pause")
    parser.add_argument("--data", type=Path, help="a stack that runs, and was filled with these")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    os.environ |= UNLIMITED
    with nullcontext(Stack(args.data)) if args.data else running() as stack:
        filled = {}
        if args.data:
            stack.up()  # tells where it is; changes nothing
        else:
            size = ("--tenants", args.tenants, "--leads", args.leads, "--sends", args.sends)
            filled = stack.run("seed", *map(str, size))
        found = {"filled": filled, **measured(stack, args.tenants, args.requests, args.writes)}
    print(json.dumps(found) if args.json else "\n".join(told(found)))


if __name__ == "__main__":
    main()
