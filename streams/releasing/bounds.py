"""What binds beside caps and static rates: the governor's limits and daily limits. Pure.

A limit is absent until someone sets it or the governor controls the IP; then the least of all
binds. Breakers: nothing leaves under one that is open; half open it lets its probes go, each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from domain import uses
from domain.governor.draft import fresh
from domain.governor.state import Cell, Choice
from domain.ip_choice import is_bad
from domain.sending_ip import EVERY_PROVIDER
from domain.uses import Use

NO_PLAN = "none"
#: A quota above this binds nothing: columns of caps hold no more.
QUOTA_MAX = 2**31 - 1
NO_LIMIT = float("inf")

Place = tuple[str, str]  # (sending IP, provider)


@dataclass(frozen=True)
class Campaign:
    """A campaign with something waiting; a row of the statement `campaigns`."""

    campaign_id: str
    state: str
    ips: Sequence[str]
    may_send: bool
    tenant_id: str = ""
    domain_id: str = ""
    mailbox_id: str = ""
    pool_id: str = ""
    tenant_limit: int | None = None  # these three: messages per UTC day
    campaign_limit: int | None = None
    mailbox_limit: int | None = None
    plan_left: int | None = (
        None  # first attempts that the plan's month still covered as today began
    )

    @property
    def plan(self) -> Use:
        """What first attempts are charged to."""
        return Use(uses.PLAN, self.tenant_id)

    def limited(self) -> list[tuple[Use, int]]:
        """Its daily limits, as far as there are some."""
        found = [
            (Use(uses.TENANT, self.tenant_id), self.tenant_limit),
            (Use(uses.CAMPAIGN, self.campaign_id), self.campaign_limit),
            (Use(uses.MAILBOX, self.mailbox_id), self.mailbox_limit),
        ]
        return [(use, limit) for use, limit in found if limit is not None]


class Breaker(NamedTuple):
    """One that is not closed."""

    status: str  # open, half or blocked
    probes: Use  # what its probes are charged to
    left: int  # of the probes


Scope = tuple[str, str, str]  # scope, id, provider (or empty)


@dataclass(frozen=True)
class Known:
    """What the rows say: decisions of the governor, and what is used of today."""

    plans: Mapping[Place, Choice] = field(default_factory=dict)  # provider `*`: each other one
    breakers: Mapping[Scope, Breaker] = field(default_factory=dict)  # that are not closed
    quotas: Mapping[Scope, int] = field(default_factory=dict)  # of cells and domains
    per_h: Mapping[Place, float] = field(default_factory=dict)
    buckets: Mapping[Place, tuple[float, float]] = field(default_factory=dict)  # tokens, age in s
    started: Mapping[Place, int] = field(default_factory=dict)  # and reserved, of governed IPs
    used: Mapping[Use, int] = field(default_factory=dict)
    warm: frozenset[Place] = frozenset()
    scores: Mapping[Place, int] = field(default_factory=dict)  # provider ``: of the IP as a whole


NOTHING_KNOWN = Known()


class Bounds:
    """Everything that binds in one tick; `take` counts what it gives away."""

    def __init__(
        self, campaigns: Mapping[str, Campaign] | None = None, known: Known = NOTHING_KNOWN
    ) -> None:
        self.campaigns, self.known = campaigns or {}, known
        self.left: dict[Use, float] = {one.probes: one.left for one in known.breakers.values()}
        for campaign in self.campaigns.values():
            for use, limit in campaign.limited():
                self.left[use] = limit - known.used.get(use, 0)
            if campaign.plan_left is not None:
                self.left[campaign.plan] = campaign.plan_left - known.used.get(campaign.plan, 0)
        self._uses: dict[tuple[str, str, str, bool], tuple[Use, ...] | None] = {}
        self._at_first = dict(self.left)

    # ---- cells

    def plan(self, ip: str, provider: str) -> Choice | None:
        """The plan that governs a cell; None: nothing does."""
        plans = self.known.plans
        found = plans.get((ip, provider)) or plans.get((ip, EVERY_PROVIDER))
        return None if found is None or found.plan == NO_PLAN else found

    def quota(self, ip: str, provider: str) -> int | None:
        """Messages that may leave today from an IP to a provider; None: no quota binds."""
        plan = self.plan(ip, provider)
        if plan is None:
            return None
        own = self.known.quotas.get(("cell", ip, provider))
        found = _first("cell", provider, plan).quota if own is None else own
        return None if found >= QUOTA_MAX else found

    def pace(self, ip: str, provider: str) -> tuple[float, float] | None:
        """Messages per second, and at once (a minute's worth); None: the governor sets no pace."""
        plan = self.plan(ip, provider)
        if plan is None:
            return None
        own = self.known.per_h.get((ip, provider))
        per_h = _first("cell", provider, plan).pace.per_h if own is None else own
        return per_h / 3600, max(1.0, per_h / 60)

    def tokens(self, ip: str, provider: str) -> float | None:
        """What that pace lets leave at this moment; None: it sets none."""
        pace = self.pace(ip, provider)
        if pace is None:
            return None
        per_s, burst = pace
        tokens, age_s = self.known.buckets.get((ip, provider), (burst, 0.0))
        return min(burst, tokens + age_s * per_s)

    def score(self, ip: str, provider: str) -> int | None:
        """A governed cell's reputation, or else its IP's; None: not known.

        What is not governed is no longer scored by its mail: an old score is held against nobody.
        """
        if self.plan(ip, provider) is None:
            return None
        scores = self.known.scores
        return scores.get((ip, provider), scores.get((ip, "")))

    def cells_left(self) -> dict[Place, float]:
        """Of the governed cells that something is known of: how many messages may leave now."""
        scopes = (*self.known.breakers, *self.known.quotas)
        places = {(scope_id, provider) for scope, scope_id, provider in scopes if scope == "cell"}
        found = {}
        for ip, provider in places.union(self.known.per_h, self.known.buckets, self.known.started):
            quota, tokens = self.quota(ip, provider), self.tokens(ip, provider)
            left = NO_LIMIT if tokens is None else tokens
            if quota is not None:
                left = min(left, quota - self.known.started.get((ip, provider), 0))
            met = self._met([("cell", ip, provider), ("ip", ip, "")], ip, provider)
            found[ip, provider] = min([left, *map(self._passes, met)])
        return found

    def shuts_ip(self, ip: str) -> bool:
        """Whether nothing at all may leave from an IP."""
        met = self._met([("ip", ip, "")], ip, EVERY_PROVIDER)
        return any(self._passes(breaker) < 1 for breaker in met)

    # ---- what a message is charged to

    def uses(self, campaign_id: str, ip: str, provider: str, n: int = 2) -> tuple[Use, ...] | None:
        """What such a message is charged to beside its cell; None: a breaker lets none leave.

        The plan covers sends, so that only a first attempt (n = 1) is charged to it.
        """
        key = (campaign_id, ip, provider, n == 1)
        if key not in self._uses:
            self._uses[key] = self._found(*key)
        return self._uses[key]

    def room(self, campaign_id: str, ip: str, provider: str, n: int = 2) -> float:
        """How many such messages breakers, domain, plan and daily limits let leave now."""
        found = self.uses(campaign_id, ip, provider, n)
        if found is None:
            return 0
        return min((self.left.get(use, NO_LIMIT) for use in found), default=NO_LIMIT)

    def take(self, found: Iterable[Use], count: int) -> None:
        """So many messages of these uses leave."""
        for use in found:
            if use in self.left:
                self.left[use] -= count

    def most(self, use: Use) -> int | None:
        """How many may be used of today in all; None: nothing binds."""
        if use not in self._at_first:
            return None
        return int(self._at_first[use]) + self.known.used.get(use, 0)

    def shuts(self, campaign: Campaign) -> bool:
        """Whether nothing of a campaign may leave, wherever to."""
        if any(self.left[use] < 1 for use, _ in campaign.limited()):
            return True
        gates = ("tenant", campaign.tenant_id, ""), ("campaign", campaign.campaign_id, "")
        found = [self.known.breakers[gate] for gate in gates if gate in self.known.breakers]
        return any(self._passes(breaker) < 1 for breaker in found)

    def _passes(self, breaker: Breaker) -> float:
        return self.left[breaker.probes] if breaker.status == "half" else 0

    def _found(
        self,
        campaign_id: str,
        ip: str,
        provider: str,
        is_first: bool,  # noqa: FBT001 - a key's part
    ) -> tuple[Use, ...] | None:
        campaign = self.campaigns.get(campaign_id)
        if campaign is None:
            return ()
        found = [Use(uses.TENANT, campaign.tenant_id), Use(uses.CAMPAIGN, campaign_id)]
        if is_first:
            found.append(campaign.plan)
        if campaign.mailbox_id:
            found.append(Use(uses.MAILBOX, campaign.mailbox_id))
        if campaign.domain_id and self.plan(ip, provider) is not None:
            found.append(self._domain(campaign.domain_id, provider))
        for breaker in self.against(campaign, ip, provider):
            if breaker.status != "half":
                return None
            found.append(breaker.probes)
        return tuple(found)

    def _domain(self, domain_id: str, provider: str) -> Use:
        """A domain's quota towards a provider, which binds what leaves by governed IPs."""
        use = Use(uses.DOMAIN, domain_id, provider)
        if use not in self.left:
            own = self.known.quotas.get(("domain", domain_id, provider))
            quota = _first("domain", provider, None).quota if own is None else own
            self.left[use] = self._at_first[use] = quota - self.known.used.get(use, 0)
        return use

    def against(self, campaign: Campaign, ip: str, provider: str) -> list[Breaker]:
        """The breakers that such a message meets, as `pipeline.breaker_against` says."""
        if not self.known.breakers:
            return []
        wide = [
            ("domain", campaign.domain_id, provider),
            ("tenant", campaign.tenant_id, ""),
            ("campaign", campaign.campaign_id, ""),
        ]
        met = self._met([("cell", ip, provider), ("ip", ip, "")], ip, provider)
        return met + [self.known.breakers[key] for key in wide if key in self.known.breakers]

    def _met(self, own: Sequence[Scope], ip: str, provider: str) -> list[Breaker]:
        """Of breakers of cell and IP those that bind: without a plan only what people ordered."""
        met = [self.known.breakers[key] for key in own if key in self.known.breakers]
        is_governed = self.plan(ip, provider) is not None
        return [one for one in met if is_governed or one.status == "blocked"]

    # ---- for finding rows

    def wide_left(self, campaign: Campaign, ips: Sequence[str]) -> dict[str, float]:
        """By provider what a campaign's domain may still send, where that is bounded."""
        of_domain = [*self.known.breakers, *self.known.quotas, *self.known.used]
        found = {}
        for scope, scope_id, provider in of_domain:
            if (scope, scope_id) == (uses.DOMAIN, campaign.domain_id):
                rooms = [self.room(campaign.campaign_id, ip, provider) for ip in ips]
                found[provider] = max(rooms, default=0.0)
        return found

    def spares(
        self, campaign: Campaign, ips: Sequence[str], others: Sequence[str]
    ) -> dict[str, list[str]]:
        """By provider the warm IPs that take what the quotas of the campaign's own leave over.

        Only where each of its own is governed and has used its quota of today, and no breaker
        stands against the mail: never around a block, never to an IP that is not warm itself or
        whose reputation is bad.
        """
        others = [ip for ip in others if ip not in campaign.ips]
        if not ips or not others:
            return {}
        found = {}
        for provider in sorted({provider for ip, provider in self.known.started if ip in ips}):
            if all(self._is_used_up(campaign, ip, provider) for ip in ips):
                warm = [ip for ip in others if self._takes_excess(campaign, ip, provider)]
                if warm:
                    found[provider] = warm
        return found

    def _is_used_up(self, campaign: Campaign, ip: str, provider: str) -> bool:
        quota = self.quota(ip, provider)
        if quota is None or self.against(campaign, ip, provider):
            return False
        return self.known.started.get((ip, provider), 0) >= quota

    def _takes_excess(self, campaign: Campaign, ip: str, provider: str) -> bool:
        if (ip, provider) not in self.known.warm or self.plan(ip, provider) is None:
            return False
        if is_bad(self.score(ip, provider)):
            return False
        return not self.against(campaign, ip, provider)


@cache
def _first(kind: str, provider: str, choice: Choice | None) -> Cell:
    """A cell that nothing left from yet; only read."""
    return fresh("", kind, "", provider, choice)
