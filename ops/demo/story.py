"""The demo, step by step; every step may be repeated and then finds itself done."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from adapters.contacts.importing import Import
from domain import suppression
from domain.sending_ip import Egress
from ops import control
from ops.demo.leads import write_leads
from ops.launching import campaigns, content, ground, sending
from ops.launching.desk import Desk, open_desk
from ops.launching.terminal import proof
from ops.stack.stack import given_servers
from ops.verify import run as verify
from ops.where import Where, find

EXAMPLES = Path(__file__).parents[2] / "examples"
TENANT = "Penguin Demo"
SENDER = "Penguin Demo <hello@demo.penguinmails.example>"
#: Leads who said no before: the demo suppresses them, as an earlier unsubscribe would have.
OPTED_OUT = (
    "SELECT contact_id FROM vault.contact WHERE address LIKE 'optout-%%' ORDER BY contact_id"
)


def say(text: str) -> None:
    """One line for the person who watches."""
    print(text, file=sys.stderr, flush=True)


def tell(data: Path, recipients: int | None, seed: int) -> dict[str, Any]:
    """Run the main job to its proof; what scripts read."""
    began = time.monotonic()
    control.up(control.Wanted(data), say, given=given_servers())
    csv = leads_file(data, recipients, seed)
    with open_desk(find(data)) as desk:
        tenant_id, campaign_id, imported = prepare(desk, csv)
        progress, hold = sending.watch(desk.where.dsn, tenant_id, campaign_id)
        report = asyncio.run(verify.run(desk.where, campaign=campaign_id))
    found = sending.report(progress, hold) | {"import": sending.counts(imported)}
    return found | {
        "verified": report.ok and progress.settled,
        "violations": len(report.violations),
        "wall_s": round(time.monotonic() - began, 1),
        **links(desk.where),
    }


def leads_file(data: Path, recipients: int | None, seed: int) -> Path:
    """The shipped leads, or as many as were asked for."""
    if recipients is None:
        return EXAMPLES / "leads.csv"
    path = data / "demo" / f"leads-{recipients}-{seed}.csv"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        write_leads(fresh, recipients, seed)
        fresh.replace(path)
    return path


def prepare(desk: Desk, csv: Path) -> tuple[str, str, Import]:
    """Everything up to the launch; tenant, campaign and import."""
    tenant_id = ground.ensure_tenant(desk, TENANT)
    say(f"tenant     {TENANT} is {tenant_id}")
    sender = content.save_sender(desk, tenant_id, SENDER)
    domain_id = ground.ensure_domain(desk, tenant_id, sender.domain)
    seen = ground.verify_domain(desk, tenant_id, domain_id, sender.domain)
    say(f"domain     {sender.domain} is verified: {len(seen)} DNS records seen")
    name = f"demo {content.file_digest(csv)[:16]}"
    list_id, imported = content.import_list(desk, tenant_id, csv, name, _counting)
    say("import     " + ", ".join(f"{n:,} {what}" for what, n in sending.counts(imported).items()))
    say(f"suppressed {suppress(desk, tenant_id):,} leads who opted out before")
    published = content.publish_template(
        desk, tenant_id, EXAMPLES / "welcome.html", imported.fields
    )
    ip = ground.ensure_ip(desk, tenant_id, Egress(), None)
    campaign_id = desk.derive("cmp", tenant_id, name)
    plan = campaigns.Plan(published, list_id, sender, domain_id, ip, sign="rsa")
    campaigns.launch(desk, tenant_id, campaign_id, name, plan)
    say(f"campaign   {campaign_id}")
    return tenant_id, campaign_id, imported


def _counting(rows: int) -> None:
    say(f"           {rows:,} rows read")


def suppress(desk: Desk, tenant_id: str) -> int:
    """Suppress the leads who opted out; how many there are."""
    found = [row[0] for row in desk.read(tenant_id, OPTED_OUT)]
    for contact_id in found:
        decide = partial(
            suppression.suppress,
            who=suppression.Subject(tenant_id, contact_id),
            reason="unsubscribe",
            evidence="the demo's leads that opted out",
        )
        desk.decide(suppression, suppression.stream(contact_id), decide, tenant_id=tenant_id)
    return len(found)


def links(where: Where) -> dict[str, str]:
    """Where to look."""
    return {
        "api_url": where.api_url,
        "docs_url": f"{where.api_url}/docs",
        "inbox_url": where.inbox_url,
    }


def told(found: dict[str, Any]) -> str:
    """The end of the story, for people."""
    verdict = "holds" if found["verified"] else f"does not hold: {found['violations']} violations"
    lines = [
        f"campaign   {found['campaign_id']} is {found['state']}",
        f"speed      {found['emails_per_s']:,.0f} mails a second, {found['elapsed_s']:,.1f} s",
        f"proof      {proof(found)}",
        f"verify     {verdict}, from the log alone",
        f"API docs   {found['docs_url']}",
        f"inbox      {found['inbox_url']}",
    ]
    return "\n".join(lines)


def stay_or_leave(data: Path, *, leave: bool) -> None:
    """Wait for Ctrl-C unless told to leave, then stop the stack; its data stays."""
    if not leave:
        say("Ctrl-C stops the stack; its data stays, and `penguin demo` goes on from there")
        told_to_stop = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: told_to_stop.set())
        told_to_stop.wait()
    say("stopping")
    control.down(data)
