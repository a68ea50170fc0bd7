"""Orders to volume control by command: stop, resume, another quota, warm."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from adapters.postgres import named_sql
from api.commands import campaigns, domains
from api.desk import Desk
from domain import sending_ip
from domain.governor import orders
from domain.governor.draft import fresh
from domain.governor.orders import Order, Standing, Target
from domain.governor.state import UNBOUND, Choice
from domain.ports import Decided
from domain.refusals import NotFound, WrongState
from domain.sending_ip import EVERY_PROVIDER, UNGOVERNED, Warmup

SQL = named_sql(Path(__file__).with_suffix(".sql"))
SETS_QUOTA = frozenset({"quota", "warm"})


def give(desk: Desk, target: Target, wanted: Order) -> Decided:
    """Order it of a scope of the tenant; no event where it stands so already.

    Raises Invalid, NotFound, WrongState and StaffOnly.
    """
    orders.check(target, wanted)
    choice = _known(desk, target)
    if target.scope == "cell" and wanted.action in SETS_QUOTA and choice is None:
        raise WrongState(
            f"scope_id: {target.scope_id} has no warm-up plan towards {target.provider}, so no"
            " quota of volume control binds it; choose a plan first, or set a cap"
        )
    standing = _standing(desk, target, choice)
    decide = partial(orders.order, target=target, wanted=wanted, standing=standing)
    return desk.decide(orders, orders.stream(target), decide)


def _known(desk: Desk, target: Target) -> Choice | None:
    """Raises NotFound for a scope that is not the caller's. Of a cell: the plan that governs it."""
    if target.scope in {"cell", "ip"}:
        state: sending_ip.State = desk.state(sending_ip, sending_ip.stream(target.scope_id))
        sending_ip.require_active(state)
        return _choice(state, target.provider)
    if target.scope == "domain":
        domains.known(desk, target.scope_id)
    elif target.scope == "campaign":
        campaigns.known(desk, target.scope_id)
    elif target.scope_id != desk.tenant_id:
        raise NotFound("scope_id: that is not this tenant; name it, or leave it out")
    return None


def _choice(state: sending_ip.State, provider: str) -> Choice | None:
    everywhere = state.warmups.get(EVERY_PROVIDER, Warmup(UNGOVERNED))
    chosen = state.warmups.get(provider, everywhere)
    if chosen.plan == UNGOVERNED:
        return None
    return Choice(chosen.plan, chosen.curve, chosen.target)


def _standing(desk: Desk, target: Target, choice: Choice | None) -> Standing:
    names = {"scope": target.scope, "scope_id": target.scope_id, "provider": target.provider}
    (row,) = desk.rows(SQL["standing"], **names)
    quota: int | None = row["quota"]
    if quota is None and orders.SCOPES[target.scope]:
        owner, provider = target.scope_id, target.provider
        quota = fresh(target.tenant_id, target.scope, owner, provider, choice).quota
    bound = None if quota is None or quota >= UNBOUND else quota
    return Standing(bound, row["breaker"], row["rule"])
