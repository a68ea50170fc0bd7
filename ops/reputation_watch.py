"""Builds the watch over IPs and domains: blocklists, names of addresses, providers' feeds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import structlog
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from adapters.dns import DnsResolver
from adapters.dnsbl import AddressName, Listing, is_public
from adapters.dnsbl_lists import IP, BadLists, Blocklist, chosen
from adapters.feeds.postmaster import PostmasterFeed, account_from
from adapters.feeds.snds import SndsFeed
from adapters.feeds.unset import UnsetFeed
from adapters.settings import Settings
from domain.event import Event
from domain.ports import EventLog
from domain.reputation.ports import ReputationFeed
from domain.signals import AddressNameChecked, ListingObserved
from domain.watching import LISTINGS, NAMES
from streams import feeding, watching
from streams.runtime import StreamRuntime
from streams.watching import Question

ADDRESS_NAME = "address_name"
NAMES_EVERY_S, NAMES_AGAIN_S = 3600.0, 300.0
ENROL_EVERY_S = 300.0  # new IPs and domains are looked for so often

log = structlog.get_logger(__name__)


def install(
    app: StreamRuntime,
    settings: Settings,
    pool: AsyncConnectionPool[AsyncConnection[Any]],
    signals: EventLog,
    dns: DnsResolver,
) -> None:
    """Put on the app what is configured. `pool`: role pm_worker."""
    asked, key = questions(settings, dns), settings.id_key
    if asked:
        deps = watching.WatchingDeps(pool, signals, asked, key, enrol_every_s=ENROL_EVERY_S)
        watching.install(app, deps)
    read = {name: feed for name, feed in feeds(settings).items() if feed.configured}
    if read:
        feeding.install(app, feeding.FeedingDeps(pool, signals, read, key, _today))


def _today() -> date:
    return datetime.now(UTC).date()


def feeds(settings: Settings) -> dict[str, ReputationFeed]:
    """Every provider's feed by its name; those that are not configured tell nothing."""
    found: list[ReputationFeed] = [_postmaster(settings), _snds(settings)]
    return {feed.name: feed for feed in found}


def _postmaster(settings: Settings) -> ReputationFeed:
    path = settings.postmaster_account_file
    if path is None:
        return UnsetFeed(PostmasterFeed.name, PostmasterFeed.kind, "PM_POSTMASTER_ACCOUNT_FILE")
    account = partial(account_from, path, settings.postmaster_user)
    return PostmasterFeed(account, settings.postmaster_url)


def _snds(settings: Settings) -> ReputationFeed:
    if not settings.snds_key:
        return UnsetFeed(SndsFeed.name, SndsFeed.kind, "PM_SNDS_KEY")
    return SndsFeed(settings.snds_key, settings.snds_url)


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
