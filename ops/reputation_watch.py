"""Builds the watch over sending IPs and domains: DNS blocklists, names of addresses."""

from __future__ import annotations

from functools import partial

import structlog

from adapters.dns import DnsResolver
from adapters.dnsbl import AddressName, Listing, is_public
from adapters.dnsbl_lists import IP, BadLists, Blocklist, chosen
from adapters.settings import Settings
from domain.event import Event
from domain.signals import AddressNameChecked, ListingObserved
from domain.watching import LISTINGS, NAMES
from streams.watching import Question

ADDRESS_NAME = "address_name"
NAMES_EVERY_S, NAMES_AGAIN_S = 3600.0, 300.0

log = structlog.get_logger(__name__)


def questions(settings: Settings, dns: DnsResolver) -> dict[str, Question]:
    """What is asked, by name. Lists that cannot be asked are said so and left out: mail goes on."""
    found = [_name(settings, dns)] if settings.address_names else []
    try:
        lists = chosen(settings.dnsbl_zones, settings.spamhaus_dqs_key)
    except BadLists as bad:
        log.error("no_list_is_watched", why=str(bad))  # noqa: TRY400 - its words say all
        lists = ()
    found += [_listing(each, settings, dns) for each in lists]
    return {each.name: each for each in found}


def _listing(which: Blocklist, settings: Settings, dns: DnsResolver) -> Question:
    return Question(
        name=which.name,
        kind=which.kind,
        watcher=Listing(which, dns, settings.spamhaus_dqs_key),
        every_s=which.every_s,
        patience=LISTINGS,
        event=partial(_observed, which),
        is_for=is_public if which.kind == IP else bool,
    )


def _observed(which: Blocklist, tenant_id: str, about_id: str, answer: str) -> Event:
    return ListingObserved(
        tenant_id=tenant_id,
        about_id=about_id,
        zone=which.name,
        listed=bool(answer),
        code=answer,
        tier=which.tier,
    )


def _name(settings: Settings, dns: DnsResolver) -> Question:
    return Question(
        name=ADDRESS_NAME,
        kind=IP,
        watcher=AddressName(dns, settings.hello_name),
        every_s=NAMES_EVERY_S,
        patience=NAMES,
        event=_checked,
        is_for=is_public,
        soon_s=NAMES_AGAIN_S,
    )


def _checked(tenant_id: str, about_id: str, answer: str) -> Event:
    return AddressNameChecked(
        tenant_id=tenant_id, about_id=about_id, passed=not answer, problem=answer
    )
