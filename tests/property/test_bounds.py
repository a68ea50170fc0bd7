"""Whatever is planned, decided and used: what leaves in a tick stays within every limit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

import pytest

from domain import uses
from domain.governor.draft import fresh
from domain.governor.state import Choice
from domain.ip_choice import is_bad
from domain.uses import Use
from streams.releasing.bounds import Bounds, Breaker, Campaign, Known, Scope
from streams.releasing.picking import Allowance, Cell, Lane, Pick, Waiting, pick
from streams.releasing.reach import reach

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
IPS, PROVIDERS = ("ip_a", "ip_b", "ip_c", "ip_d"), ("gmail", "yahoo")
STANDARD = Choice("standard", (), 0)


def _campaigns(dice: Random) -> dict[str, Campaign]:
    made = {}
    for number in range(3):
        campaign_id = f"cmp_{number}"
        own = dice.sample(IPS[:3], dice.randint(1, 2))
        limits = [dice.choice([None, dice.randint(0, 60)]) for _ in range(2)]
        made[campaign_id] = Campaign(
            campaign_id, "running", own, True, "ten_a", f"dom_{number % 2}",
            dice.choice(["", "mbx_a"]), "", 150, *limits,
        )  # fmt: skip
    boxes = [one.mailbox_limit for one in made.values() if one.mailbox_id and one.mailbox_limit]
    box = min(boxes, default=None)
    return {
        name: Campaign(**{**one.__dict__, "mailbox_limit": box if one.mailbox_id else None})
        for name, one in made.items()
    }


def _breakers(dice: Random, campaigns: Sequence[Campaign]) -> dict[Scope, Breaker]:
    places = [("cell", ip, provider) for ip in IPS for provider in PROVIDERS]
    places += [("ip", ip, "") for ip in IPS] + [("tenant", "ten_a", "")]
    places += [("domain", "dom_0", provider) for provider in PROVIDERS]
    places += [("campaign", one.campaign_id, "") for one in campaigns]
    found = {}
    for scope in places:
        if dice.random() < 0.12:
            status = dice.choice(["open", "half", "blocked"])
            found[scope] = Breaker(status, uses.probe(*scope, NOW), dice.choice([0, 1, 5]))
    return found


def _known(dice: Random, campaigns: Sequence[Campaign]) -> Known:
    cells = [(ip, provider) for ip in IPS for provider in PROVIDERS]
    plans = {(ip, "*"): STANDARD for ip in IPS if dice.random() < 0.8}
    if dice.random() < 0.5:
        plans["ip_a", "yahoo"] = Choice("none", (), 0)
    started = {place: dice.randint(0, 60) for place in cells if dice.random() < 0.8}
    quotas = {("cell", *place): dice.randint(1, 60) for place in cells if dice.random() < 0.8}
    quotas |= {("domain", "dom_0", "gmail"): dice.randint(1, 90)}
    scored = [place for place in (*cells, *[(ip, "") for ip in IPS]) if dice.random() < 0.4]
    used = {Use("tenant", "ten_a"): 20, Use("domain", "dom_0", "gmail"): dice.randint(0, 30)}
    return Known(
        plans=plans,
        breakers=_breakers(dice, campaigns),
        quotas=quotas,
        per_h={place: dice.choice([60.0, 1e6]) for place in cells if dice.random() < 0.7},
        buckets={place: (0.5, dice.choice([0.0, 45.0])) for place in cells if dice.random() < 0.3},
        started=started,
        used=used,
        warm=frozenset(place for place in cells if dice.random() < 0.5),
        scores={place: dice.choice([10, 45, 50, 80, 100]) for place in scored},
    )


def _waiting(
    dice: Random, campaigns: dict[str, Campaign], allowed: Allowance
) -> tuple[list[Waiting], dict[tuple[str, str], Sequence[str]]]:
    usable, wider = reach(allowed, campaigns, dict.fromkeys(campaigns, IPS))
    spares = {
        (campaign_id, provider): ips
        for campaign_id, found in wider.items()
        for provider, ips in found.spares.items()
    }
    rows = []
    for number in range(20):
        campaign_id, provider = dice.choice(list(campaigns)), dice.choice(PROVIDERS)
        own = usable.get(campaign_id, [])
        ips = (*own, *spares.get((campaign_id, provider), ()))
        mask = (1 << dice.randint(1, 40)) - 1
        row = Waiting(f"bat_{number}", 1, NOW, "ten_a", campaign_id, provider, "normal", mask, ips)
        rows += [row] if campaign_id in usable else []
    return rows, spares


@dataclass
class Watched(Allowance):
    """Keeps, of each pick by an IP of bad reputation, the better ones that had room for it."""

    passed_over: list[tuple[Pick, list[str]]] = field(default_factory=list)

    def place(self, row: Waiting) -> Pick | None:
        """As an Allowance does."""
        better = [ip for ip in row.ips if not is_bad(self.bounds.score(ip, row.provider))]
        with_room = [ip for ip in better if self._fit(row, ip) > 0]
        made = super().place(row)
        if made and is_bad(self.bounds.score(made.ip, row.provider)):
            self.passed_over.append((made, with_room))
        return made


def _tick(seed: int) -> tuple[Bounds, list[Pick], dict[tuple[str, str], Sequence[str]]]:
    bounds, picks, spares, _ = _ticked(seed)
    return bounds, picks, spares


def _ticked(
    seed: int,
) -> tuple[Bounds, list[Pick], dict[tuple[str, str], Sequence[str]], Watched]:
    dice = Random(seed)
    campaigns = _campaigns(dice)
    bounds = Bounds(campaigns, _known(dice, list(campaigns.values())))
    lanes = {ip: Lane(500, 500) for ip in IPS}
    allowed = Watched(lanes, bounds=bounds, alive=frozenset(IPS))
    rows, spares = _waiting(dice, campaigns, allowed)
    for ip in IPS:
        for provider in PROVIDERS:
            used = bounds.known.started.get((ip, provider), 0)
            quota, paced = bounds.quota(ip, provider), bounds.tokens(ip, provider)
            allowed.cells[ip, provider] = Cell(quota, used, None, paced)
    return bounds, pick(rows, allowed, {}), spares, allowed


def _governed(known: Known, ip: str, provider: str) -> bool:
    plan = known.plans.get((ip, provider)) or known.plans.get((ip, "*"))
    return plan is not None and plan.plan != "none"


def _met(known: Known, campaign: Campaign, ip: str, provider: str) -> list[Breaker]:
    scopes = [
        ("cell", ip, provider), ("ip", ip, ""), ("domain", campaign.domain_id, provider),
        ("tenant", "ten_a", ""), ("campaign", campaign.campaign_id, ""),
    ]  # fmt: skip
    met = [(key, known.breakers[key]) for key in scopes if key in known.breakers]
    governed = _governed(known, ip, provider)
    return [
        one
        for (scope, *_), one in met
        if governed or one.status == "blocked" or scope not in {"cell", "ip"}
    ]


@pytest.mark.parametrize("seed", range(300))
def test_i7_what_leaves_stays_within_every_limit_of_every_scope(seed: int) -> None:
    bounds, picks, _ = _tick(seed)
    known, sent = bounds.known, Counter[object]()
    for one in picks:
        campaign, cell = bounds.campaigns[one.row.campaign_id], (one.ip, one.row.provider)
        sent["cell", *cell] += one.size
        sent["tenant"] += one.size
        sent["campaign", campaign.campaign_id] += one.size
        sent["mailbox", campaign.mailbox_id] += one.size
        if _governed(known, *cell):
            sent["domain", campaign.domain_id, one.row.provider] += one.size
        for breaker in _met(known, campaign, *cell):
            assert breaker.status == "half"
            sent[breaker.probes] += one.size

    for ip, provider in {(one.ip, one.row.provider) for one in picks}:
        if _governed(known, ip, provider):
            first = fresh("", "cell", "", provider, STANDARD)
            quota = known.quotas.get(("cell", ip, provider), first.quota)
            used = known.started.get((ip, provider), 0)
            assert used + sent["cell", ip, provider] <= quota
            tokens = bounds.tokens(ip, provider)
            assert tokens is not None
            assert sent["cell", ip, provider] <= tokens
    for campaign in bounds.campaigns.values():
        for use, limit in campaign.limited():
            of = sent["tenant"] if use.scope == "tenant" else sent[use.scope, use.scope_id]
            assert known.used.get(use, 0) + of <= limit or of == 0
    domain_quota = known.quotas["domain", "dom_0", "gmail"]
    used = known.used[Use("domain", "dom_0", "gmail")]
    assert used + sent["domain", "dom_0", "gmail"] <= max(domain_quota, used)
    for breaker in known.breakers.values():
        assert sent[breaker.probes] <= breaker.left


@pytest.mark.parametrize("seed", range(300))
def test_excess_never_goes_to_a_colder_ip_nor_around_a_block(seed: int) -> None:
    bounds, picks, _ = _tick(seed)
    known = bounds.known
    for one in picks:
        campaign, provider = bounds.campaigns[one.row.campaign_id], one.row.provider
        if one.ip in campaign.ips:
            continue
        assert (one.ip, provider) in known.warm
        assert _governed(known, one.ip, provider)
        assert not _met(known, campaign, one.ip, provider)
        for own in campaign.ips:
            first = fresh("", "cell", "", provider, STANDARD)
            quota = known.quotas.get(("cell", own, provider), first.quota)
            assert _governed(known, own, provider)
            assert not _met(known, campaign, own, provider)
            assert known.started.get((own, provider), 0) >= quota


@pytest.mark.parametrize("seed", range(300))
def test_an_ip_of_bad_reputation_gets_only_what_no_better_one_takes(seed: int) -> None:
    bounds, _, _, allowed = _ticked(seed)
    for made, better_with_room in allowed.passed_over:
        assert better_with_room == []
        assert made.ip in bounds.campaigns[made.row.campaign_id].ips  # and no excess of others


def test_the_histories_come_to_what_they_are_to_show() -> None:
    """Spare IPs, probes, breakers, daily limits that are used up, bad IPs: all of them happen."""
    seen: defaultdict[str, int] = defaultdict(int)
    for seed in range(300):
        bounds, picks, spares = _tick(seed)
        seen["spares"] += len(spares)
        for one in picks:
            seen["by a spare"] += one.ip not in bounds.campaigns[one.row.campaign_id].ips
            seen["probes"] += any(use.scope == uses.PROBE for use in one.uses)
            seen["picks"] += 1
            seen["bad"] += is_bad(bounds.score(one.ip, one.row.provider))
        seen["used up"] += sum(left <= 0 for left in bounds.left.values())
    assert (
        min(seen[name] for name in ("spares", "by a spare", "probes", "picks", "used up", "bad"))
        > 10
    )
