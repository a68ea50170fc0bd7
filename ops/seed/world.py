"""One seeded tenant: its ids, what was decided about it, and its campaigns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial, reduce
from typing import Any

from adapters.message.template_file import Content
from domain import campaign, lead_list, sending_domain, sending_ip, template, tenant
from domain.campaign import CampaignDrafted
from domain.event import Event
from domain.lead_list import ImportCounts
from domain.ports import CommandContext, Reservation, Wanted
from domain.sending_ip import Egress
from ops.launching.desk import ACTOR
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
#: How the sends of a world's mailing ended.
Outcomes = Callable[["World", "Mailing"], dict[str, int]]


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

    def campaign_id(self, nth: int) -> str:
        """Of the nth mailing, from 0."""
        return self.id("cmp", nth)

    @cached_property
    def mailings(self) -> list[Mailing]:
        """The campaigns, oldest first."""
        count = len(self.share.campaigns)
        return [
            Mailing(self.campaign_id(nth), sends, launched_at(self.now, nth, count))
            for nth, sends in enumerate(self.share.campaigns)
        ]

    def wanted(self, outcomes: Outcomes) -> list[Wanted]:
        """What is decided about it, through the domain's own decisions: a stream each, in order.

        A stream that was begun before is left as it is.
        """
        return [*self._ground(), *self._campaigns(outcomes)]

    @cached_property
    def last_stream(self) -> str:
        """Of `wanted`: where this one is told, all of it is."""
        if self.mailings:
            return campaign.stream(self.mailings[-1].campaign_id)
        return template.stream(self.id("tpl"))

    @cached_property
    def list_stream(self) -> str:
        return lead_list.stream(self.list_id)

    def _ground(self) -> Iterator[Wanted]:
        own, ip, list_id = self.tenant_id, self.ip, self.list_id
        domain_id, template_id = self.id("dom"), self.id("tpl")
        yield self._story(tenant, own, partial(tenant.create, tenant_id=own))
        yield self._story(
            sending_ip, ip, partial(sending_ip.add, tenant_id=own, ip=ip, egress=Egress())
        )
        yield self._story(
            sending_domain,
            domain_id,
            partial(sending_domain.add, tenant_id=own, domain_id=domain_id, domain=self.domain),
            reservations=[Reservation("sending domain", self.domain)],
        )
        rows = self.share.leads
        counts = ImportCounts(rows, rows, 0, 0)
        yield self._story(
            lead_list,
            list_id,
            partial(lead_list.create, tenant_id=own, list_id=list_id),
            partial(lead_list.record_import, import_id=self.id("imp"), counts=counts),
        )
        content_id, variables = self.content.content_id, self.content.variables
        yield self._story(
            template,
            template_id,
            partial(template.create, tenant_id=own, template_id=template_id),
            partial(template.publish, content_id=content_id, variables=variables),
        )

    def _campaigns(self, outcomes: Outcomes) -> Iterator[Wanted]:
        for mailing in self.mailings:
            yield self._story(
                campaign,
                mailing.campaign_id,
                partial(campaign.draft, drafted=self.drafted(mailing)),
                partial(campaign.launch, now=mailing.at),
                partial(campaign.finish, requested=mailing.sends, outcomes=outcomes(self, mailing)),
            )

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

    def _story(
        self,
        module: Any,
        thing_id: str,
        *decisions: Callable[[Any], Sequence[Event]],
        reservations: Sequence[Reservation] = (),
    ) -> Wanted:
        """All that is decided on one stream, as one decision."""

        def decide(state: Any) -> list[Event]:
            told: list[Event] = []
            if state != module.initial:
                return told
            for one in decisions:
                events = one(state)
                state = reduce(module.evolve, events, state)
                told += events
            return told

        context: CommandContext = {
            "tenant_id": self.tenant_id,
            "actor": ACTOR,
            "reservations": reservations,
        }
        return Wanted(module.stream(thing_id), module.initial, module.evolve, decide, context)
