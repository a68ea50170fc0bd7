"""Everything that keeps a campaign from being launched, found at once, each with its cure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from time import monotonic, sleep

from psycopg.errors import UndefinedTable

from adapters.postgres import named_sql
from api.commands.audience import RELAY, SQL, Audience, egress_of, relayed
from api.desk import Desk
from api.positions import part_of
from domain import sending_domain, tenant, windows
from domain.campaign import SIGNATURES, CampaignDrafted
from domain.refusals import Invalid

OWN_SQL = named_sql(Path(__file__).with_suffix(".sql"))
READ_MAX_S, READ_EVERY_S = 2.0, 0.05  # that the schedule may need to read what was just decided


@dataclass(frozen=True)
class Block:
    """One reason. `code` is stable; `field` is the draft's where one is to blame."""

    code: str
    field: str
    detail: str
    cure: str

    def told(self) -> dict[str, str]:
        return asdict(self)


def let_ips_come(desk: Desk, drafted: CampaignDrafted) -> None:
    """Wait a moment for the schedule to read an IP that was just added, if none is there yet."""
    until = monotonic() + READ_MAX_S
    while not egress_of(desk, drafted) and monotonic() < until:
        if not desk.rows(OWN_SQL["unread"], part=part_of(desk.tenant_id)):
            return
        sleep(READ_EVERY_S)


def blocks(desk: Desk, drafted: CampaignDrafted, found: Audience, now: datetime) -> list[Block]:
    """Every reason why this draft cannot be launched now; none: it can."""
    return [
        *_stack(desk),
        *_tenant(desk),
        *_content(desk, drafted, found),
        *_sender(desk, drafted),
        *_egress(desk, drafted),
        *_window(drafted),
        *_audience(found),
        *_quota(desk, found, now.date()),
    ]


def warnings(desk: Desk, drafted: CampaignDrafted) -> list[Block]:
    """What a launch should not be surprised by; none of it keeps a campaign back."""
    routes = egress_of(desk, drafted)
    mx = [ip for ip, route in routes.items() if route != RELAY]
    if routes and not mx:
        return []
    return [*_degraded(desk, drafted), *_unplanned(desk, mx)]


def _degraded(desk: Desk, drafted: CampaignDrafted) -> Iterator[Block]:
    if not drafted.sender_id:
        return
    state = desk.state(sending_domain, sending_domain.stream(drafted.domain_id))
    if state.degraded and state.may_send:
        detail = f"{state.domain} lacks DNS records that it had: {', '.join(state.missing)}"
        cure = "publish them again and have it checked, or it is verified no longer after a day"
        yield Block("degraded_domain", "sender_id", detail, cure)


def _unplanned(desk: Desk, ips: Sequence[str]) -> Iterator[Block]:
    """IPs for which nobody chose a plan, not even `none`."""
    found = [row["ip"] for row in desk.rows(OWN_SQL["unplanned"], ips=ips)]
    if found:
        detail = f"{', '.join(found)}: no warm-up plan, so that all may leave at once within caps"
        cure = "choose one (PUT /v1/sending-ips/{ip}/warmup), or the plan none where it is warm"
        yield Block("no_warmup_plan", "ips", detail, cure)


def _stack(desk: Desk) -> Iterator[Block]:
    """A copy, or a stack that was restored or moved, sends nothing (domain/authority.py)."""
    if desk.rows(OWN_SQL["no_authority"]):
        cure = "its operator lets it send (penguin authority take), or launch at the other one"
        yield Block("no_send_authority", "", "another stack holds the authority to send", cure)


def _tenant(desk: Desk) -> Iterator[Block]:
    if desk.state(tenant, tenant.stream(desk.tenant_id)).suspended:
        cure = "see why under the tenant's status, and have it restored"
        yield Block("tenant_suspended", "", "the tenant may not send now", cure)


def _content(desk: Desk, drafted: CampaignDrafted, found: Audience) -> Iterator[Block]:
    known = desk.rows(SQL["content"], content_id=drafted.content_id)
    if not known:
        cure = "publish a template and name it in template_id"
        yield Block("no_template", "template_id", "the draft has no published template", cure)
    living = found.leads - found.erased
    for name, leads in found.lacking.items():
        if living and leads == living:
            cure = f'write {{{{ {name} | default("…") }}}} or import leads with that field'
            yield Block("template_lint", "template_id", f"no lead has the field {name}", cure)


def _sender(desk: Desk, drafted: CampaignDrafted) -> Iterator[Block]:
    if not drafted.sender_id:
        yield Block("no_sender", "sender_id", "the draft names no sender", "name one in sender_id")
        return
    state = desk.state(sending_domain, sending_domain.stream(drafted.domain_id))
    if not state.may_send and not relayed(desk, drafted):
        name = state.domain or "the sender's domain"
        missing = f": {', '.join(state.missing)}" if state.missing else ""
        cure = f"publish its DNS records{missing} and have them checked"
        yield Block("unverified_domain", "sender_id", f"{name} is not verified", cure)
    kept = {row["algorithm"] for row in desk.rows(SQL["algorithms"], domain_id=drafted.domain_id)}
    lacking = [name for name in SIGNATURES[drafted.sign] if name not in kept]
    if lacking:
        cure = "add the domain, which makes its keys, or choose another `sign`"
        yield Block("no_signing_key", "sign", f"there is no key for {', '.join(lacking)}", cure)


def _egress(desk: Desk, drafted: CampaignDrafted) -> Iterator[Block]:
    if egress_of(desk, drafted):
        return
    if drafted.pool_id:
        detail = "no sending IP of the pool may be used: it has none, or they are retired or held"
        cure = "put an active one into the pool, end a quarantine, or name another pool"
        yield Block("no_pool_ip", "pool_id", detail, cure)
    else:
        yield Block("no_ip", "ips", "no sending IP may be used", "add one, or name one in use")


def _window(drafted: CampaignDrafted) -> Iterator[Block]:
    """Drafts are checked as they are made; what time zones there are may change since."""
    try:
        windows.check(drafted.send_window)
    except Invalid as refused:
        detail, _, cure = str(refused).partition("; ")
        yield Block("bad_window", "send_window", detail, cure)


def _audience(found: Audience) -> Iterator[Block]:
    if found.leads - found.erased <= 0:
        cure = "name lists or a segment with leads"
        yield Block("no_leads", "list_ids", "there is nobody in the audience", cure)
    elif not found.mailable:
        cure = "name other lists, or see the suppressions"
        yield Block("all_suppressed", "list_ids", "all of the audience is suppressed", cure)


def _quota(desk: Desk, found: Audience, today: date) -> Iterator[Block]:
    """Nothing binds while the read model of use is not built."""
    try:
        rows = desk.rows(SQL["quota"], period=today.replace(day=1))
    except UndefinedTable:
        return
    for row in rows:
        left = max(0, row["sends_per_month"] - row["used"])
        if found.mailable > left:
            detail = f"{found.mailable} sends are more than the {left} left of this month's plan"
            yield Block("quota_exceeded", "list_ids", detail, "take fewer leads or a larger plan")
