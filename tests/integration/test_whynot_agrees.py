"""One truth: nothing binds by whynot's word exactly where the releaser then lets something go."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from adapters import postgres
from domain.campaign import CampaignLaunched
from domain.event import Event
from domain.mailbox import MailboxCreated, MailboxPaused
from domain.plan_limit import PlanLimitSet
from projections import models
from projections.reads import Bound
from projections.whynot import why
from projections.whynot.binding import binding_of
from tests.pipeline_world import Tenant
from tests.release_kit import World, batch_of, capped, rated
from tests.schedule_kit import KeptLog, change, rows
from tests.volume_kit import (
    assigned,
    cell,
    closed,
    governed,
    half_opened,
    opened,
    paced,
    phase,
    quota,
    scope,
)
from tests.volume_told_kit import score_of
from tests.whynot_kit import a_releaser

pytestmark = pytest.mark.stack
TENANTS = 60
SEED = 7


def limits_of(chance: random.Random, ips: list[Tenant], launch: CampaignLaunched) -> list[Event]:
    """Any of what may bind: each with a number that is used up, or leaves something."""
    one = ips[0]
    mailbox = {"tenant_id": one.tenant_id, "mailbox_id": launch.mailbox_id}
    told: list[Event] = [
        MailboxCreated(
            **mailbox,
            domain_id="domain",
            daily_limit=chance.choice([3, 90, 90, 90]),
            warmup_wanted=False,
        ),
    ]
    domain = scope(one, "domain", launch.domain_id, "google")
    for ip in ips:
        told += chance.choice([*[[]] * 5, [capped(ip, 0)], [capped(ip, 4)], [capped(ip, None)]])
        told += chance.choice([*[[]] * 7, [rated(ip, 0.0001, 2)]])
        told += chance.choice([[], [governed(ip), paced(cell(ip))], [governed(ip)]])
        told += chance.choice([[], [quota(cell(ip), 4)], [quota(cell(ip), 300)]])
        told += chance.choice([[], [phase(cell(ip), "warm")]])
        scored = score_of(ip.tenant_id, ip.ip, chance.choice([20, 90]), provider="google")
        told += chance.choice([[], [], [scored]])
    scopes = [
        cell(one), scope(one, "ip", one.ip), scope(one, "tenant", one.tenant_id), domain,
        scope(one, "campaign", launch.campaign_id),
    ]  # fmt: skip
    for of in scopes:
        if chance.random() < 0.15:
            told += chance.choice(
                [
                    [opened(of)],
                    [opened(of, blocked=True)],
                    [half_opened(of, 1)],
                    [half_opened(of, 9)],
                ]
            )
            told += chance.choice([[], [], [closed(of)]])
    told += chance.choice([[], [], [quota(domain, 3)]])
    covered = PlanLimitSet(
        tenant_id=one.tenant_id, sends_per_month=chance.choice([1, 2, 900]), reason="plan"
    )
    told += chance.choice([*[[]] * 5, [covered]])
    told += chance.choice([*[[]] * 9, [MailboxPaused(**mailbox, reason="")]])
    return told


async def settled(world: World, chance: random.Random) -> list[CampaignLaunched]:
    """Campaigns under random limits, of which some let something go already."""
    launches = []
    for number in range(TENANTS):
        ips = await world.tenant(ips=3)
        used = ips[:2] if chance.random() < 0.3 else ips[:1]
        more: dict[str, Any] = {"domain_id": f"dom_{number}", "mailbox_id": f"mbx_{number}"}
        launch = await world.campaign(used, [5], **more)
        spare = [assigned(launch.domain_id, ips[2])] if chance.random() < 0.5 else []
        await world.tell(*spare, *limits_of(chance, ips, launch))
        if chance.random() < 0.2:
            change(
                world.dsn, "UPDATE pipeline.campaign SET daily_limit = %s WHERE campaign_id = %s",
                chance.choice([2, 50]), launch.campaign_id,
            )  # fmt: skip
        launches.append(launch)
    async with world.releaser(KeptLog()) as releaser:
        await releaser.tick()
    change(world.dsn, "UPDATE pipeline.release SET state = 'concluded' WHERE state = 'released'")
    await world.tell(*[batch_of(launch, 2) for launch in launches])
    return launches


async def test_nothing_binds_exactly_where_the_releaser_lets_something_go(dsn: str) -> None:
    models.ensure_schemas(dsn)
    world = World(dsn)
    launches = await settled(world, random.Random(SEED))
    told: dict[str, str] = {}
    async with await postgres.connect(dsn, "pm_api") as conn, a_releaser(dsn):
        for launch in launches:
            snap = await why.campaign_look(Bound(conn, launch.tenant_id), launch.campaign_id)
            found = binding_of(snap).binding
            told[launch.campaign_id] = found.limit if found else ""
    async with world.releaser(KeptLog()) as other:
        await other.tick()

    went = dict(rows(
        dsn, "SELECT campaign_id, sum(size)::int FROM pipeline.release"
        " WHERE state = 'released' GROUP BY 1",
    ))  # fmt: skip
    wrong = {name: limit for name, limit in told.items() if (limit == "") != (name in went)}
    assert wrong == {}
    assert len(Counter(told.values())) >= 6, Counter(told.values())
