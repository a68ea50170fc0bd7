"""What the governor and people decide about volume, for tests of what may leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.governor.events import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    PhaseChanged,
    QuotaSet,
    RateChanged,
)
from domain.sending_domain import DomainIpAssigned
from domain.sending_ip import WarmupPlanChosen
from tests.pipeline_world import Tenant

WHY: dict[str, Any] = {"rule": "test", "counts": {}, "governor": 1}
PER_H = 3_600_000  # as good as no pace
_BEGUN = datetime(2026, 3, 2, tzinfo=UTC)
_told = 0


def _at() -> dict[str, Any]:
    """Each decision a second after the one before."""
    global _told  # noqa: PLW0603 - a counter
    _told += 1
    return WHY | {"decided_at": _BEGUN + timedelta(seconds=_told)}


def scope(tenant: Tenant, kind: str, scope_id: str, provider: str = "") -> dict[str, Any]:
    return {
        "tenant_id": tenant.tenant_id,
        "scope": kind,
        "scope_id": scope_id,
        "provider": provider,
    }


def cell(tenant: Tenant, provider: str = "google") -> dict[str, Any]:
    return scope(tenant, "cell", tenant.ip, provider)


def governed(tenant: Tenant, plan: str = "standard", provider: str = "*") -> WarmupPlanChosen:
    return WarmupPlanChosen(
        tenant_id=tenant.tenant_id,
        ip=tenant.ip,
        provider=provider,
        plan=plan,
        curve=[],
        target=0,
        reason="",
    )


def quota(of: dict[str, Any], new: int) -> QuotaSet:
    return QuotaSet(**of, **_at(), old=0, new=new)


def paced(of: dict[str, Any], per_h: int = PER_H) -> RateChanged:
    rate: dict[str, Any] = {"old_per_h": 1, "connections": 2, "per_connection": 20}
    return RateChanged(**of, **_at(), new_per_h=per_h, **rate)


def opened(of: dict[str, Any], *, blocked: bool = False) -> BreakerOpened:
    told = _at()
    until = None if blocked else told["decided_at"] + timedelta(hours=2)
    return BreakerOpened(**of, **told, until=until, level=0)


def half_opened(of: dict[str, Any], probes: int) -> BreakerHalfOpened:
    return BreakerHalfOpened(**of, **_at(), probes=probes)


def closed(of: dict[str, Any]) -> BreakerClosed:
    return BreakerClosed(**of, **_at())


def phase(of: dict[str, Any], new: str) -> PhaseChanged:
    return PhaseChanged(**of, **_at(), old="cold", new=new)


def assigned(domain_id: str, tenant: Tenant) -> DomainIpAssigned:
    return DomainIpAssigned(tenant_id=tenant.tenant_id, domain_id=domain_id, ip=tenant.ip)
