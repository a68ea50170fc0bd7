"""What volume control decides and hears about a tenant's IPs, as events of a history."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.event import Event
from domain.governor.events import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    PhaseChanged,
    QuotaSet,
    RateChanged,
    ReviewAsked,
)
from domain.governor.orders import VolumeOrdered
from domain.reputation.events import Component, ReputationScored
from domain.sending_ip import WarmupPlanChosen
from domain.signals import ListingObserved

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def plan_of(tenant: str, ip: str, plan: str = "standard", **changes: Any) -> WarmupPlanChosen:
    """The tenant chose how the IP warms up."""
    fields: dict[str, Any] = {"provider": "*", "curve": [], "target": 0, "reason": "new"}
    return WarmupPlanChosen(tenant_id=tenant, ip=ip, plan=plan, **(fields | changes))


def said(
    kind: type[Any], tenant: str, scope: str, scope_id: str, provider: str = "", **more: Any
) -> Any:
    """A decision of the governor about a scope."""
    fields: dict[str, Any] = {"decided_at": BEGIN, "rule": "earned", "counts": {"accepted": 9}}
    fields |= {"governor": 1} | more
    return kind(tenant_id=tenant, scope=scope, scope_id=scope_id, provider=provider, **fields)


def quota_of(tenant: str, ip: str, quota: int, **more: Any) -> QuotaSet:
    given: dict[str, Any] = {"provider": "gmail", "old": 20} | more
    made: QuotaSet = said(QuotaSet, tenant, "cell", ip, new=quota, **given)
    return made


def score_of(tenant: str, ip: str, score: int | None, **more: Any) -> ReputationScored:
    """A cell's reputation came to this."""
    part = Component(signal="deferred", value_ppm=20_000, penalty=35, events=20)
    fields: dict[str, Any] = {"scope": "cell", "scope_id": ip, "provider": "gmail"}
    fields |= {"scored_at": BEGIN, "old": None, "new": score, "components": [part]}
    fields |= {"evidence": 400, "model": 1}
    return ReputationScored(tenant_id=tenant, **(fields | more))


def volume_of(chance: random.Random, tenant: str, ip: str) -> list[Event]:
    """A tenant's decisions about one IP, with some drawn at random between them."""
    cell = (tenant, "cell", ip, "gmail")
    until = BEGIN + timedelta(hours=2)
    between: list[Event] = [
        quota_of(tenant, ip, chance.randint(20, 900)),
        said(PhaseChanged, *cell, old="cold", new="warming"),
        said(BreakerOpened, *cell, until=until, level=1),
        said(BreakerHalfOpened, *cell, probes=1),
        said(BreakerClosed, *cell),
        said(BreakerOpened, tenant, "ip", ip, until=None, level=0),
        said(ReviewAsked, tenant, "tenant", tenant),
        VolumeOrdered(
            tenant_id=tenant, scope="cell", scope_id=ip, provider="gmail", action="quota",
            quota=chance.randint(1, 99), reason="trial",
        ),
        score_of(tenant, ip, chance.randint(0, 100)),
        plan_of(tenant, ip, "none", provider="gmail"),
    ]  # fmt: skip
    rate = said(*(RateChanged, *cell), old_per_h=40, new_per_h=46, connections=2, per_connection=50)
    some = [event for event in between for _ in range(chance.randint(0, 2))]
    return [plan_of(tenant, ip), quota_of(tenant, ip, 40), rate, *some, score_of(tenant, ip, 90)]


def listings_of(chance: random.Random, tenant: str, ip: str) -> list[ListingObserved]:
    """What a blocklist says of the IP, from day to day."""
    return [
        ListingObserved(
            tenant_id=tenant, about_id=ip, zone="zen.example", listed=listed,
            code="127.0.0.2" * listed, tier=1,
        )
        for listed in chance.choices([True, False], k=3)
    ]  # fmt: skip
