"""One seeded tenant: its ids, what was decided about it, and its campaigns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from adapters.decision_log import Entry
from adapters.message.template_file import Content
from domain import campaign, lead_list, sending_domain, sending_ip, template, tenant
from domain.campaign import CampaignDrafted
from domain.event import Event
from domain.lead_list import ImportCounts
from domain.sending_ip import Egress
from ops.seed.shape import Share, launched_at

#: Provider → the domain of seeded leads that it runs, and its share of them in percent.
PROVIDERS = {
    "gmail": ("gmail.com", 60),
    "outlook": ("outlook.com", 25),
    "other": ("harbour.example", 15),
}
PROVIDERS_OF_SMALL = ("gmail",)
SMALL = 50  # a tenant with fewer leads has them all at one provider
EXPIRE_AFTER_S = 72 * 3600
Derive = Callable[..., str]


@dataclass(frozen=True)
class Mailing:
    """A campaign that was sent: how many, and when."""

    campaign_id: str
    sends: int
    at: datetime


@dataclass
class World:
    """Everything of one tenant follows from its share and from the stack's own key of ids."""

    share: Share
    content: Content
    now: datetime
    derive: Derive = field(repr=False)

    @property
    def name(self) -> str:
        return f"seed-{self.share.number:06}"

    @cached_property
    def tenant_id(self) -> str:
        return self.derive("ten", self.name)  # as `penguin keys create --tenant-name` names it

    def id(self, prefix: str, *parts: object) -> str:
        """An id of a thing of this tenant."""
        return self.derive(prefix, "seed", self.tenant_id, *parts)

    @cached_property
    def ip(self) -> str:
        return self.id("ip")

    @cached_property
    def list_id(self) -> str:
        return self.id("lst")

    @cached_property
    def domain(self) -> str:
        return f"{self.name}.example"

    @cached_property
    def contacts(self) -> dict[str, list[str]]:
        """Contact ids by provider; the same person is always at the same one."""
        found: dict[str, list[str]] = {}
        for number in range(self.share.leads):
            found.setdefault(self.provider(number), []).append(self.contact(number))
        return found

    def contact(self, number: int) -> str:
        return self.id("lea", number)

    def provider(self, number: int) -> str:
        """Where lead `number` has its mailbox."""
        if self.share.leads < SMALL:
            return PROVIDERS_OF_SMALL[0]
        roll, upto = number * 37 % 100, 0
        for name, (_, percent) in PROVIDERS.items():
            upto += percent
            if roll < upto:
                return name
        return name

    @cached_property
    def mailings(self) -> list[Mailing]:
        """The campaigns, oldest first."""
        count = len(self.share.campaigns)
        return [
            Mailing(self.id("cmp", nth), sends, launched_at(self.now, nth, count))
            for nth, sends in enumerate(self.share.campaigns)
        ]

    def entries(self, outcomes: Callable[[Mailing], dict[str, int]]) -> list[Entry]:
        """What was decided, through the domain's own decisions, stream by stream."""
        return [*self._ground(), *self._campaigns(outcomes)]

    def _ground(self) -> Iterator[Entry]:
        own, ip, list_id = self.tenant_id, self.ip, self.list_id
        rows = self.share.leads
        counts = ImportCounts(rows, rows, 0, 0)
        domain_id, template_id = self.id("dom"), self.id("tpl")
        ground: list[tuple[Any, str, list[Callable[[Any], Sequence[Event]]]]] = [
            (tenant, own, [partial(tenant.create, tenant_id=own)]),
            (sending_ip, ip, [partial(sending_ip.add, tenant_id=own, ip=ip, egress=Egress())]),
            (
                sending_domain,
                domain_id,
                [
                    partial(
                        sending_domain.add, tenant_id=own, domain_id=domain_id, domain=self.domain
                    )
                ],
            ),
            (
                lead_list,
                list_id,
                [
                    partial(lead_list.create, tenant_id=own, list_id=list_id),
                    partial(lead_list.record_import, import_id=self.id("imp"), counts=counts),
                ],
            ),
            (
                template,
                template_id,
                [
                    partial(template.create, tenant_id=own, template_id=template_id),
                    partial(
                        template.publish,
                        content_id=self.content.content_id,
                        variables=self.content.variables,
                    ),
                ],
            ),
        ]
        for module, thing_id, decisions in ground:
            yield from self._decided(module, module.stream(thing_id), decisions)

    def _campaigns(self, outcomes: Callable[[Mailing], dict[str, int]]) -> Iterator[Entry]:
        for mailing in self.mailings:
            decisions = [
                partial(campaign.draft, drafted=self.drafted(mailing)),
                partial(campaign.launch, now=mailing.at),
                partial(campaign.finish, requested=mailing.sends, outcomes=outcomes(mailing)),
            ]
            yield from self._decided(campaign, campaign.stream(mailing.campaign_id), decisions)

    def drafted(self, mailing: Mailing) -> CampaignDrafted:
        """What the campaign consists of."""
        return CampaignDrafted(
            tenant_id=self.tenant_id,
            campaign_id=mailing.campaign_id,
            template_id=self.id("tpl"),
            content_id=self.content.content_id,
            list_ids=[self.list_id],
            sender_id=self.id("sdr"),
            domain_id=self.id("dom"),
            ips=[self.ip],
            priority="normal",
            message_class="bulk",
            sign="none",
            expire_after_s=EXPIRE_AFTER_S,
        )

    def _decided(
        self, module: Any, stream: str, decisions: Sequence[Callable[[Any], Sequence[Event]]]
    ) -> Iterator[Entry]:
        state, version = module.initial, 0
        for decide in decisions:
            for event in decide(state):
                version += 1
                state = module.evolve(state, event)
                yield Entry(stream, version, event, self.id("evt", stream, version))
