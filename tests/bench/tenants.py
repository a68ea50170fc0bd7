"""What tenants cost as they grow in number: a table, one line for each size.

    python tests/bench/tenants.py [--sizes 1000,10000,100000] [--leads-each 10] [--sends-each 20]
                                  [--requests 200] [--seconds 3600] [--json]

Each size is seeded into a stack of its own (`penguin seed`); no new size begins after --seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import time
from typing import Any

import psutil
import psycopg

from ops import board
from tests.bench.http_load import Request, load
from tests.bench.stack import Stack, running

BULK = 1000  # suppressions in one request
IDLE_S = 5.0  # how long a stack with nothing to do is looked at
SIZE_OF = """
SELECT sum(pg_table_size(c.oid))::float8, sum(pg_indexes_size(c.oid))::float8 FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('es', 'vault', 'rm', 'pipeline', 'app', 'auth')
"""
LAG = """
SELECT coalesce(max(notification_id), 0) - (SELECT last_pos FROM es.relay) FROM es.decision_events
"""


class Asker:
    """One tenant with a key, and how it asks."""

    def __init__(self, stack: Stack, name: str) -> None:
        made = stack.run("keys", "create", "--tenant-name", name, "--role", "owner")
        self._base = stack.addresses["api_url"]
        self._headers = {"Authorization": f"Bearer {made['key']}"}

    def ms(self, method: str, path: str, bodies: list[Any]) -> dict[str, object]:
        """One request for each body, one at a time."""
        requests = (
            Request(method, path, self._headers, json.dumps(body).encode() if body else b"")
            for body in bodies
        )
        return asyncio.run(load(self._base, requests, clients=1)).as_json()


def sizes(dsn: str, tenants: int) -> dict[str, float]:
    """Of tables with their TOAST, and of indexes."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        tables, indexes = conn.execute(SIZE_OF.encode()).fetchone() or (0, 0)
    return {
        "tables_mb": round(tables / 1e6, 1),
        "indexes_mb": round(indexes / 1e6, 1),
        "bytes_per_tenant": round((tables + indexes) / tenants),
    }


def relay_lag_ms(dsn: str) -> float:
    """From now until the relay has told all that is decided."""
    began = time.monotonic()
    with psycopg.connect(dsn, autocommit=True) as conn:
        while (conn.execute(LAG.encode()).fetchone() or (0,))[0] > 0:
            if time.monotonic() - began > 60:
                raise RuntimeError("the relay stands still, so there is no figure")
            time.sleep(0.002)
    return round((time.monotonic() - began) * 1000, 1)


def idle(stack: Stack) -> dict[str, Any]:
    """CPU of each process that has nothing to do, in percent of a core; memory in MB."""
    before, began = stack.cpu_s(), time.monotonic()
    time.sleep(IDLE_S)
    after, took = stack.cpu_s(), time.monotonic() - began
    lines = board.read(stack.data).processes
    return {
        "idle_cpu": {
            name: round(100 * (after[name] - before.get(name, 0.0)) / took, 1) for name in after
        },
        "memory_mb": {
            line.name: round(psutil.Process(line.pid).memory_info().rss / 1e6) for line in lines
        },
    }


def one_size(stack: Stack, tenants: int, args: argparse.Namespace) -> dict[str, Any]:
    """Fill, then measure."""
    dsn, leads, sends = stack.addresses["dsn"], args.leads_each, args.sends_each
    shape = (("--tenants", tenants), ("--leads", tenants * leads), ("--sends", tenants * sends))
    filled = stack.run("seed", *map(str, itertools.chain(*shape)))
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")
    asker, nothing = Asker(stack, f"seed-{tenants // 2 + 1:06}"), [None] * args.requests
    found = {
        "tenants": tenants,
        "seed_s": filled["elapsed_s"],
        "tenants_per_s": round(tenants / filled["elapsed_s"], 1),
        "sends_per_s": round(filled["sends"] / filled["elapsed_s"], 1),
        **sizes(dsn, tenants),
        "overview": asker.ms("GET", "/v1/overview?range=30d", nothing),
        "campaigns": asker.ms("GET", "/v1/campaigns", nothing),
        "command": asker.ms(
            "POST", "/v1/lists", [{"name": f"List {number}"} for number in range(args.requests)]
        ),
        "relay_lag_ms": relay_lag_ms(dsn),
        **idle(stack),
    }
    items = [{"address": f"bulk{number}@bench.example"} for number in range(BULK)]
    bulk: Any = asker.ms("POST", "/v1/suppressions/bulk", [{"items": items}])
    return found | {"suppressions_per_s": round(bulk["per_s"] * BULK)}


def told(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    lines = []
    for one in found["sizes"]:
        asked = " ".join(
            f"{name} {one[name]['p50_ms']}/{one[name]['p99_ms']} ms"
            for name in ("overview", "campaigns", "command")
        )
        busy = {name: share for name, share in one["idle_cpu"].items() if share >= 1}
        lines += [
            (
                f"{one['tenants']:8,} tenants: seeded at {one['tenants_per_s']}/s, "
                f"{one['sends_per_s']} sends/s; tables {one['tables_mb']} MB, indexes "
                f"{one['indexes_mb']} MB, {one['bytes_per_tenant']:,} bytes a tenant"
            ),
            (
                f"         p50/p99: {asked}; relay lag {one['relay_lag_ms']} ms; "
                f"{one['suppressions_per_s']:,} suppressions/s"
            ),
            f"         idle, percent of a core: {busy}; memory, MB: {one['memory_mb']}",
        ]
    return lines


def main() -> None:
    """Seed, measure and tell, size after size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--leads-each", type=int, default=10)
    parser.add_argument("--sends-each", type=int, default=20)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    os.environ["PM_API_RATE_PER_MIN"] = "0"  # what is measured is not what one key is allowed
    until, found = time.monotonic() + args.seconds, []
    for tenants in map(int, args.sizes.split(",")):
        if time.monotonic() > until:
            break
        with running() as stack:
            found.append(one_size(stack, tenants, args))
    print(json.dumps({"sizes": found}) if args.json else "\n".join(told({"sizes": found})))


if __name__ == "__main__":
    main()
