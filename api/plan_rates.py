"""How many requests a tenant's plan covers: looked up once a minute for each tenant that asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from domain import plan_limit
from projections.reads import Reads

#: The plan as it was set last, from the log itself: an answer costs no read model.
LAST = """
SELECT (convert_from(state, 'UTF8')::jsonb ->> 'sends_per_month')::bigint AS sends_per_month
FROM es.decision_events WHERE tenant_id = %(tenant_id)s AND originator_id = %(stream)s
ORDER BY originator_version DESC LIMIT 1
"""
KNOWN_S = 60.0  # a plan that changes counts within a minute
KNOWN_MAX = 10_000  # tenants


@dataclass(frozen=True)
class Plan:
    """Requests a minute, and at once after a pause, up to so many sends a month (None: any)."""

    sends_per_month: int | None
    per_min: int
    burst: int


#: By what a plan sends (product brief: starter, professional, business and what is above).
PLANS = (Plan(10_000, 60, 100), Plan(50_000, 300, 500), Plan(None, 1000, 2000))


def of_plan(sends_per_month: int | None) -> Plan:
    """What a plan of this size covers; None: it has no limit, so the largest."""
    for plan in PLANS[:-1]:
        if sends_per_month is not None and sends_per_month <= (plan.sends_per_month or 0):
            return plan
    return PLANS[-1]


@dataclass
class PlanRates:
    """Which plan a tenant has; None: nobody set one, and the installation's own rate binds."""

    clock: Callable[[], float]
    _known: dict[str, tuple[float, Plan | None]] = field(default_factory=dict)

    async def of(self, reads: Reads, tenant_id: str) -> Plan | None:
        until, plan = self._known.get(tenant_id, (0.0, None))
        if self.clock() < until:
            return plan
        async with reads.of(tenant_id) as bound:
            rows = await bound.rows(LAST, stream=plan_limit.stream(tenant_id))
        plan = of_plan(rows[0]["sends_per_month"]) if rows else None
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[tenant_id] = (self.clock() + KNOWN_S, plan)
        return plan
