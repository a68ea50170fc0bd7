"""What a world begins with: tenants, their sending IPs and caps, campaigns in small batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from domain.authority import SendAuthorityTaken
from domain.campaign import CampaignCancelled, CampaignLaunched, CampaignPaused, CampaignResumed
from domain.ids import deriver
from domain.platform import PLATFORM
from domain.sending import AudiencePlanned, BatchPlanned
from domain.suppression import ContactSuppressed
from domain.tenant import TenantCreated
from tests.pipeline_world import Tenant, launched
from tests.release_kit import capped, ip_added
from tests.schedule_kit import ID_KEY
from tests.simulation.life import settings
from tests.simulation.log import LOG_ID
from tests.simulation.volume import Volume
from tests.simulation.world import World

send_id_of = deriver(ID_KEY.encode(), "snd")
PROVIDERS = {"google": "gmail.test", "yahoo": "yahoo.test"}


@dataclass
class Scenario:
    """A world's campaigns. What is decided later comes from here too."""

    world: World
    launches: list[CampaignLaunched] = field(default_factory=list)
    contacts: list[tuple[str, str]] = field(default_factory=list)  # (tenant, contact)
    sends: dict[str, str] = field(default_factory=dict)  # send → campaign
    paused: set[str] = field(default_factory=set)
    epoch: int = 0
    volume: Volume = field(init=False)

    def __post_init__(self) -> None:
        self.volume = Volume(self.world, tuple(PROVIDERS))

    def begin(self) -> None:
        """Tell the log of everything, and fill the vault."""
        dice = self.world.dice
        self.take_authority()
        for number in range(dice.randint(1, 2)):
            tenant = Tenant(f"ten_{number}", f"lst_{number}", f"ip_{number}")
            self._tenant(tenant, dice.choice((None, None, 4, 9)))
            for _ in range(dice.randint(1, 2)):
                self._campaign(tenant)

    def _tenant(self, tenant: Tenant, cap: int | None) -> None:
        told = [TenantCreated(tenant_id=tenant.tenant_id), ip_added(tenant)]
        self.world.log.tell(*told, *([capped(tenant, cap)] if cap else []))
        domain_id = domain_of(tenant)
        self.volume.begin(tenant.tenant_id, tenant.ip, domain_id)
        run = self.world.owner.execute
        run("INSERT INTO vault.content VALUES (%s, 'content', '{}')", (tenant.tenant_id,))
        run("INSERT INTO vault.sender VALUES (%s, 'sender', 'a@b.test', 'A')", (tenant.tenant_id,))
        run(
            "INSERT INTO vault.signing_key (tenant_id, domain_id, selector, algorithm, private_key,"
            " public_key) VALUES (%s, %s, 'pm1', 'rsa', 'secret', 'public')",
            (tenant.tenant_id, domain_id),
        )

    def _campaign(self, tenant: Tenant) -> None:
        dice, now = self.world.dice, self.world.clock.now()
        campaign_id = f"cmp_{len(self.launches)}"
        lasts = timedelta(hours=dice.choice((1, 40, 40)))
        told: dict[str, Any] = {"launched_at": now, "expires_at": now + lasts}
        told |= {"domain_id": domain_of(tenant), "campaign_id": campaign_id}
        told |= self.volume.of_campaign(tenant.tenant_id, campaign_id)
        launch = launched(tenant, **told)
        self.launches.append(launch)
        batches = [
            self._batch(launch, number, dice.choice(list(PROVIDERS)))
            for number in range(dice.randint(1, 2))
        ]
        total = sum(batch.size for batch in batches)
        audience = AudiencePlanned(
            campaign_id=campaign_id,
            tenant_id=tenant.tenant_id,
            step=1,
            total=total,
            batches=len(batches),
        )
        self.world.log.tell(launch, *batches, audience)

    def _batch(self, launch: CampaignLaunched, number: int, provider: str) -> BatchPlanned:
        size = self.world.dice.randint(1, 4)
        batch_id = f"bat_{launch.campaign_id}_{number}"
        contacts = [f"cnt_{batch_id}_{index}" for index in range(size)]
        sends = [
            send_id_of(launch.tenant_id, launch.campaign_id, 1, contact) for contact in contacts
        ]
        self.contacts += [(launch.tenant_id, contact) for contact in contacts]
        self.sends |= dict.fromkeys(sends, launch.campaign_id)
        self._vault(launch, batch_id, contacts, PROVIDERS[provider])
        return BatchPlanned(
            batch_id=batch_id,
            tenant_id=launch.tenant_id,
            campaign_id=launch.campaign_id,
            step=1,
            content_id=launch.content_id,
            provider=provider,
            priority=launch.priority,
            message_class=launch.message_class,
            due_at=launch.launched_at,
            expires_at=launch.expires_at,
            size=size,
            send_ids=sends,
            contact_ids=contacts,
        )

    def _vault(
        self, launch: CampaignLaunched, batch_id: str, contacts: list[str], domain: str
    ) -> None:
        rows: list[dict[str, Any]] = [
            {
                "tenant": launch.tenant_id,
                "contact": contact,
                "address": f"{contact}@{domain}",
                "domain": domain,
                "batch": batch_id,
                "index": index,
                "campaign": launch.campaign_id,
            }
            for index, contact in enumerate(contacts)
        ]
        with self.world.owner.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO vault.contact"
                " (tenant_id, contact_id, address, address_key, domain, fields) VALUES"
                " (%(tenant)s, %(contact)s, %(address)s, %(address)s, %(domain)s, '{}')",
                rows,
            )
            cursor.executemany(
                "INSERT INTO vault.audience VALUES"
                " (%(tenant)s, %(batch)s, %(index)s, %(campaign)s, %(contact)s)",
                rows,
            )

    # ---- what people decide meanwhile

    def take_authority(self) -> None:
        """An operator lets this stack send: once at first, and again after a doubt."""
        self.epoch += 1
        self.world.log.tell(
            SendAuthorityTaken(
                tenant_id=PLATFORM,
                epoch=self.epoch,
                stack_id=settings().stack_id,
                log_id=LOG_ID,
                reason="asked",
            )
        )

    def decide(self) -> None:
        """Pause or resume, rarely cancel, a campaign; or suppress a contact."""
        dice = self.world.dice
        launch = dice.choice(self.launches)
        about = {"tenant_id": launch.tenant_id, "campaign_id": launch.campaign_id}
        drawn = dice.random()
        if drawn < 0.05:
            self.take_authority()
        elif drawn < 0.15:
            self.world.log.tell(CampaignCancelled(**about, reason="asked"))
        elif drawn < 0.4:
            tenant_id, contact_id = dice.choice(self.contacts)
            suppressed = ContactSuppressed(
                tenant_id=tenant_id, contact_id=contact_id, reason="complaint", evidence=""
            )
            self.world.log.tell(suppressed)
        elif launch.campaign_id in self.paused:
            self.resume(launch)
        else:
            self.paused.add(launch.campaign_id)
            self.world.log.tell(CampaignPaused(**about, reason="asked"))

    def settle(self) -> None:
        """Nothing is paused or stopped any more."""
        for launch in self.launches:
            self.resume(launch)
        self.volume.settle()

    def resume(self, launch: CampaignLaunched) -> None:
        """Let it go on; without effect where it was cancelled."""
        self.paused.discard(launch.campaign_id)
        self.world.log.tell(
            CampaignResumed(tenant_id=launch.tenant_id, campaign_id=launch.campaign_id)
        )


def domain_of(tenant: Tenant) -> str:
    """The id of the domain that its mail is from."""
    return f"dom_{tenant.tenant_id}"
