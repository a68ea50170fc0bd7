"""`penguin send`, step by step: everything is checked before anything is kept."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters import postgres
from adapters.contacts.importing import Import, usable_fields
from domain.campaign import SIGNATURES
from domain.ids import new_id
from domain.sending_ip import Egress
from ops.errors import Missing, Usage
from ops.launching import campaigns, content, ground
from ops.launching.desk import Desk, open_desk
from ops.launching.progress import LOOK_EVERY_S, Progress, follow, look
from ops.launching.terminal import Ticker, proof
from ops.where import find
from projections.whynot.holds import Hold, holds

LOCAL_TENANT = "local"
SMTP_PORT, PORT_MAX = 25, 65535
HOST = r"[\w-]+(\.[\w-]+)*\.?|\[[0-9a-f:.]+]"
RELAY = re.compile(
    rf"(smtp://)?(?P<host>{HOST})(:(?P<port>\d{{1,5}}))?/?", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True)
class Order:
    """What the command line asked for."""

    csv: Path
    template: Path
    sender: str
    relay: str = ""
    cap: int | None = None
    sign: str = "rsa"
    name: str = ""


def send(data: Path, order: Order, *, wait: bool) -> dict[str, Any]:
    """Do it; what scripts read. Raises Usage, Missing and the domain's refusals, nothing done."""
    egress = check(order)
    with open_desk(find(data)) as desk:
        tenant_id = ground.ensure_tenant(desk, LOCAL_TENANT)
        campaign_id, imported = _launch(desk, tenant_id, order, egress)
        if not wait:
            return _launched(campaign_id, imported)
        progress, hold = watch(desk.where.dsn, tenant_id, campaign_id)
    return report(progress, hold) | {"import": counts(imported)}


def check(order: Order) -> Egress:
    """Look at the order's own parts before anything is kept; returns the egress it asks for."""
    for path in (order.csv, order.template):
        if not path.is_file():
            raise Missing(f"there is no file {path}: give the path of a readable file")
    if order.sign not in SIGNATURES:
        raise Usage(f"--sign {order.sign}: use one of {', '.join(SIGNATURES)}")
    if order.cap is not None and order.cap < 0:
        raise Usage(f"--cap {order.cap}: give the messages that may leave a day, 0 or more")
    content.read_sender(order.sender)
    content.check_template(order.template, usable_fields(order.csv))
    return read_relay(order.relay) if order.relay else Egress()


def read_relay(text: str) -> Egress:
    """`smtp://host:port` as an egress. Raises Usage."""
    found = RELAY.fullmatch(text)
    port = int(found["port"] or SMTP_PORT) if found else 0
    if found is None or not 0 < port <= PORT_MAX:
        raise Usage(f"--relay {text}: write it as smtp://host:port, the port 1 to {PORT_MAX}")
    return Egress(route="relay", relay_host=found["host"].strip("[]"), relay_port=port)


def _launch(desk: Desk, tenant_id: str, order: Order, egress: Egress) -> tuple[str, Import]:
    """What may be refused comes first: no list and no template is kept for a domain that cannot."""
    campaign_id = new_id("cmp")
    sender = content.save_sender(desk, tenant_id, order.sender)
    domain_id = ground.ensure_domain(desk, tenant_id, sender.domain)
    if egress.route != "relay":  # a relay answers for what it takes; its DNS is not ours to judge
        ground.verify_domain(desk, tenant_id, domain_id, sender.domain)
    list_id, imported = content.import_list(desk, tenant_id, order.csv, campaign_id, _counting)
    published = content.publish_template(desk, tenant_id, order.template, imported.fields)
    ip = ground.ensure_ip(desk, tenant_id, egress, order.cap)
    plan = campaigns.Plan(published, list_id, sender, domain_id, ip, order.sign)
    campaigns.launch(desk, tenant_id, campaign_id, order.name or order.csv.name, plan)
    return campaign_id, imported


def _counting(rows: int) -> None:
    print(f"imported {rows:,} rows", file=sys.stderr, flush=True)


def watch(dsn: str, tenant_id: str, campaign_id: str) -> tuple[Progress, Hold | None]:
    """Show progress until the campaign is settled or held for long; the last look."""
    return asyncio.run(_watch(dsn, tenant_id, campaign_id))


async def _watch(dsn: str, tenant_id: str, campaign_id: str) -> tuple[Progress, Hold | None]:
    ticker = Ticker()
    async for found in follow(dsn, tenant_id, campaign_id):
        ticker.show(*found)
    ticker.done()
    return found


#: The state that a deed leads to, as the read model calls it.
STATE_AFTER = {"pause": "paused", "resume": "running", "cancel": "cancelled"}
EFFECT_TIMEOUT_S = 10.0


def once_effective(
    dsn: str, tenant_id: str, campaign_id: str, deed: str
) -> tuple[Progress, Hold | None]:
    """A look once what was asked for shows, or after 10 s: it is decided all the same."""
    return asyncio.run(_once_effective(dsn, tenant_id, campaign_id, STATE_AFTER[deed]))


async def _once_effective(
    dsn: str, tenant_id: str, campaign_id: str, state: str
) -> tuple[Progress, Hold | None]:
    async with await postgres.connect(dsn, "pm_api") as conn:
        deadline = time.monotonic() + EFFECT_TIMEOUT_S
        while True:
            progress = await look(conn, tenant_id, campaign_id)
            if progress.state == state or time.monotonic() > deadline:
                return progress, await holds(conn, tenant_id, campaign_id)
            await asyncio.sleep(LOOK_EVERY_S)


def report(progress: Progress, hold: Hold | None) -> dict[str, Any]:
    """The last look as scripts read it."""
    held = None
    if hold and not progress.settled:
        held = {"by": hold.kind, "until": hold.until, "detail": hold.detail}
    return progress.as_json() | {"held": held}


def counts(imported: Import) -> dict[str, int]:
    """What an import came to."""
    names = ("rows", "imported", "duplicates", "rejected")
    return {name: getattr(imported, name) for name in names}


def _launched(campaign_id: str, imported: Import) -> dict[str, Any]:
    """What is known at launch: everything is requested, nothing has its end."""
    start = Progress(
        campaign_id=campaign_id,
        state="running",
        counts={},
        requested=imported.imported,
        planned=True,
        in_lanes=0,
        elapsed_s=0.0,
        counted_until=None,
    )
    return report(start, None) | {"import": counts(imported)}


def told(found: dict[str, Any]) -> str:
    """The same for people."""
    imported = found["import"]
    lines = [
        f"campaign   {found['campaign_id']} is {found['state']}",
        "import     " + ", ".join(f"{count:,} {name}" for name, count in imported.items()),
        f"proof      {proof(found)}",
    ]
    if found["held"]:
        lines.append(f"waits      {found['held']['detail']}")
    if found["open"]:
        lines.append(f"watch it   penguin campaign watch {found['campaign_id']}")
    return "\n".join(lines)
