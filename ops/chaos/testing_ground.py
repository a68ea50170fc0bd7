"""Whether a running stack may be harmed: it is a test stack, or it is refused.

A test stack runs its own servers, mails nobody but the stand-ins, and holds no tenant but those
that the command line makes by itself. Nothing marks it: what it holds and reaches decides.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable

import psycopg

from domain.ids import deriver
from domain.platform import PLATFORM, PLATFORM_TENANT
from ops import board
from ops.board import Phase
from ops.demo.story import TENANT as DEMO_TENANT
from ops.errors import Missing, Usage
from ops.launching.sending import LOCAL_TENANT
from ops.stack.stack import Stack, given_servers
from ops.where import Where

TENANTS = """
SELECT tenant_id FROM vault.label WHERE kind = 'tenant' UNION SELECT tenant_id FROM pipeline.tenant
"""
LISTED_MAX = 3


def require_test_stack(stack: Stack | None, where: Where) -> Stack:
    """The stack, if it runs and may be harmed. Raises Missing, and Usage with what speaks against.

    Raises what Postgres raises.
    """
    if stack is None:
        raise Missing(
            f"there is no embedded stack in {where.data_dir}, and chaos kills no servers of others:"
            " `penguin up` makes one"
        )
    if stack.given or given_servers():
        raise Usage(
            "chaos runs on embedded stacks only, and this one uses servers of its environment: "
            "unset PM_KAFKA_BOOTSTRAP and PM_DATABASE_URL and choose another --data"
        )
    found = board.read(stack.data)
    if not found.supervised or found.phase != Phase.READY or found.servers_only:
        raise Missing(f"the stack in {stack.data} does not run as a whole: `penguin up` first")
    _require_stand_ins(where)
    with psycopg.connect(where.dsn) as conn:
        _require_own_routes(conn)
        _require_no_tenants(conn, where)
    return stack


def _require_stand_ins(where: Where) -> None:
    host = where.dns_server.rpartition(":")[0]
    if not _on_loopback(host):
        raise Usage(
            f"the stack asks the DNS server {where.dns_server or 'of the system'}, so its mail may "
            "reach people: chaos needs one whose DNS is its own stand-in (unset PM_DNS_SERVER)"
        )


def _require_own_routes(conn: psycopg.Connection) -> None:
    rows = conn.execute("SELECT DISTINCT relay_host FROM pipeline.ip WHERE route = 'relay'")
    if outside := [host for (host,) in rows.fetchall() if not _on_loopback(host)]:
        raise Usage(
            f"a sending IP relays to {outside[0]}, which is not on this machine: chaos runs only "
            "where all mail ends at stand-ins; choose another --data"
        )


def _require_no_tenants(conn: psycopg.Connection, where: Where) -> None:
    derive = deriver(where.id_key.encode(), "ten")
    own = {derive(name) for name in (LOCAL_TENANT, DEMO_TENANT)} | {PLATFORM, PLATFORM_TENANT}
    rows = conn.execute(TENANTS).fetchall()
    if real := others((tenant_id for (tenant_id,) in rows), own):
        named = ", ".join(real[:LISTED_MAX]) + (", …" if len(real) > LISTED_MAX else "")
        raise Usage(
            f"this stack holds tenants of somebody ({named}), and chaos harms what it touches: "
            "choose a stack that only tests use, `penguin up --data OTHER`"
        )


def others(found: Iterable[str], own: Collection[str]) -> list[str]:
    """Tenants that the command line did not make by itself, in order."""
    return sorted(tenant_id for tenant_id in found if tenant_id not in own)


def _on_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
