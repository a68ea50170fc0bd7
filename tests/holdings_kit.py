"""What happens to a tenant's templates, domains, mailboxes and servers, as events."""

from __future__ import annotations

import random

from domain import dkim_keys, ip_pool, mailbox, sending_domain, sending_ip, template, vps
from domain.event import Event


def holdings_of(chance: random.Random, tenant: str, name: str) -> list[Event]:
    """Each thing is there at the end; what happened to it between is drawn at random."""
    return [
        *_template(chance, tenant, f"tpl_{name}"),
        *_domain(chance, tenant, f"dom_{name}", f"ip_{name}"),
        *_mailbox(chance, tenant, f"mbx_{name}", f"dom_{name}"),
        *_server(chance, tenant, f"vps_{name}", f"ip_{name}"),
        *_pool(chance, tenant, f"pol_{name}", f"ip_{name}"),
    ]


def _pool(chance: random.Random, tenant: str, pool_id: str, ip: str) -> list[Event]:
    own = {"tenant_id": tenant, "pool_id": pool_id}
    moves = [ip_pool.PoolIpAdded(**own, ip=ip), ip_pool.PoolIpRemoved(**own, ip=ip)]
    retired = ip_pool.PoolRetired(**own, reason="r")
    return [ip_pool.PoolCreated(**own), *_some(chance, [*moves, *moves, retired])]


def _some(chance: random.Random, events: list[Event]) -> list[Event]:
    """As many as may be, in order."""
    return [event for event in events if chance.random() < 0.7]


def _template(chance: random.Random, tenant: str, template_id: str) -> list[Event]:
    own = {"tenant_id": tenant, "template_id": template_id}
    versions = [
        template.TemplatePublished(
            **own, template_version=number, content_id=f"cnt_{number}", variables=["city"]
        )
        for number in range(1, chance.randint(2, 4))
    ]
    moves = [template.TemplateArchived(**own), template.TemplateRestored(**own)]
    return [template.TemplateCreated(**own), *versions, *_some(chance, [*moves, *moves])]


def _domain(chance: random.Random, tenant: str, domain_id: str, ip: str) -> list[Event]:
    own = {"tenant_id": tenant, "domain_id": domain_id}
    added = sending_domain.DomainAdded(**own, domain=f"{domain_id}.example")
    rsa = {"algorithm": "rsa", "public_key": "QUJD"}
    key = dkim_keys.DkimKeyCreated(**own, selector="pm1", **rsa)
    second = dkim_keys.DkimKeyActivated(
        **own, selector="pm2", algorithm="rsa", before="pm1", grace_s=864_000
    )
    between = [
        sending_domain.DomainVerificationFailed(**own, missing=["TXT a"]),
        sending_domain.DomainVerified(**own, checks=["TXT a"]),
        dkim_keys.DkimKeyCreated(**own, selector="pm2", **rsa),
        second,
        dkim_keys.DkimKeyRetired(**own, selector="pm1", reason="its time was over"),
        sending_domain.DomainDegraded(**own, missing=["TXT a"]),
        sending_domain.DomainIpUnassigned(**own, ip=ip),
        sending_domain.DomainIpAssigned(**own, ip=ip),
        sending_domain.DomainVerificationFailed(**own, missing=["TXT b"]),
        sending_domain.DomainRemoved(**own, reason="moved"),
        added,
    ]
    assigned = sending_domain.DomainIpAssigned(**own, ip=ip)
    return [added, key, assigned, *_some(chance, between)]


def _mailbox(chance: random.Random, tenant: str, mailbox_id: str, domain_id: str) -> list[Event]:
    own = {"tenant_id": tenant, "mailbox_id": mailbox_id}
    created = mailbox.MailboxCreated(
        **own, domain_id=domain_id, daily_limit=50, warmup_wanted=False
    )
    between = [
        mailbox.MailboxLimitSet(**own, daily_limit=chance.randint(1, 99)),
        mailbox.MailboxWarmupChosen(**own, wanted=True),
        mailbox.MailboxCredentialsSet(**own, protocols=["smtp"]),
        mailbox.MailboxPaused(**own, reason="on leave"),
        mailbox.MailboxCredentialsSet(**own, protocols=["imap", "smtp"]),
        mailbox.MailboxResumed(**own),
        mailbox.MailboxRemoved(**own, reason="left"),
        created,
    ]
    return [created, *_some(chance, between)]


def _server(chance: random.Random, tenant: str, vps_id: str, ip: str) -> list[Event]:
    own = {"tenant_id": tenant, "vps_id": vps_id}
    between = [
        vps.VpsActivated(**own),
        vps.VpsMaintenanceBegun(**own, reason="a disk"),
        vps.VpsActivated(**own),
        vps.VpsDecommissioned(**own, reason="as planned"),
    ]
    placed = [
        sending_ip.SendingIpPlaced(tenant_id=tenant, ip=ip, vps_id=at)
        for at in ("vps_before", vps_id)
    ]
    return [vps.VpsRegistered(**own, region="fra"), *placed, *_some(chance, between)]
