"""Everything that keeps a campaign from being launched, found at once, each with its cure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from psycopg.errors import UndefinedTable

from adapters.postgres import named_sql
from api.commands.audience import SQL, Audience, relayed, usable_ips
from api.desk import Desk
from domain import sending_domain, tenant
from domain.campaign import SIGNATURES, CampaignDrafted

OWN_SQL = named_sql(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Block:
    """One reason. `code` is stable; `field` is the draft's where one is to blame."""

    code: str
    field: str
    detail: str
    cure: str

    def told(self) -> dict[str, str]:
        return asdict(self)


def blocks(desk: Desk, drafted: CampaignDrafted, found: Audience, now: datetime) -> list[Block]:
    """Every reason why this draft cannot be launched now; none: it can."""
    return [
        *_stack(desk),
        *_tenant(desk),
        *_content(desk, drafted, found),
        *_sender(desk, drafted),
        *_egress(desk, drafted),
        *_audience(found),
        *_quota(desk, found, now.date()),
    ]


def warnings(desk: Desk, drafted: CampaignDrafted) -> list[Block]:
    """What a launch should not be surprised by; none of it keeps a campaign back."""
    if not drafted.sender_id or relayed(desk, drafted.ips):
        return []
    state = desk.state(sending_domain, sending_domain.stream(drafted.domain_id))
    if not (state.degraded and state.may_send):
        return []
    detail = f"{state.domain} lacks DNS records that it had: {', '.join(state.missing)}"
    cure = "publish them again and have the domain checked, or it is verified no longer after a day"
    return [Block("degraded_domain", "sender_id", detail, cure)]


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
    if not state.may_send and not relayed(desk, drafted.ips):
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
    if not usable_ips(desk, drafted.ips):
        yield Block("no_ip", "ips", "no sending IP may be used", "add one, or name one in use")


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
