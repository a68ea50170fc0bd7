"""The load of a run: campaigns to its domains, launched as `penguin send` does."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from adapters import postgres
from domain.refusals import Refused
from ops.chaos.ground import Ground
from ops.chaos.plan import Load
from ops.launching import sending
from ops.launching.campaigns import act
from ops.launching.desk import open_desk
from ops.launching.progress import Progress, look
from ops.where import Where
from projections.whynot.holds import HoldKind, holds

TEMPLATE = """---
subject: Hello {{ first_name | default("there") }}
---
<p>Dear {{ first_name | default("friend") }}, <a href="https://example.com/chaos">look</a>.</p>
"""
SENDER = "news@chaos.example"
LOOK_EVERY_S = 0.5


class Campaigns:
    """What a run launched. `where`: its stack."""

    def __init__(self, where: Where, ground: Ground, load: Load) -> None:
        self._where, self._ground, self._load = where, ground, load
        self.tenant_id = ""
        self.ids: list[str] = []

    async def launch(self, seed: int) -> None:
        """Import and launch; returns once all campaigns are launched. Raises what `send` raises."""
        folder = self._where.data_dir / "chaos" / self._ground.run
        folder.mkdir(parents=True, exist_ok=True)
        template = folder / "template.html"
        template.write_text(TEMPLATE)
        share, rest = divmod(self._load.sends, self._load.campaigns)
        for number in range(self._load.campaigns):
            path = folder / f"{number}.csv"
            write_leads(path, share + (number < rest), self._ground, self._load, f"{seed}/{number}")
            order = sending.Order(
                csv=path,
                template=template,
                sender=SENDER,
                cap=self._load.cap,
                sign=self._load.sign,
                name=f"{self._ground.run}-{number}",
            )
            data = self._where.data_dir
            found = await asyncio.to_thread(sending.send, data, order, wait=False)
            self.ids.append(found["campaign_id"])

    async def end_capped(self, within_s: float) -> None:
        """Once the cap of the day holds what is left, or the time is over, cancel that."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if await self._capped_or_settled():
                break
            await asyncio.sleep(LOOK_EVERY_S)
        await asyncio.to_thread(self._cancel)

    async def _capped_or_settled(self) -> bool:
        if all(found.settled for found in await self.looked()):
            return True
        async with await postgres.connect(self._where.dsn, "pm_api", connect_timeout=5) as conn:
            held = [await holds(conn, self.tenant_id, each) for each in self.ids]
        return all(hold is not None and hold.kind is HoldKind.CAP for hold in held)

    def _cancel(self) -> None:
        with open_desk(self._where) as desk:
            for campaign_id in self.ids:
                with suppress(Refused):  # finished meanwhile
                    act(desk, campaign_id, "cancel")

    async def looked(self) -> list[Progress]:
        """A look at each, waiting out a Postgres that is away."""
        while True:
            try:
                async with await postgres.connect(
                    self._where.dsn, "pm_api", connect_timeout=5
                ) as conn:
                    return [await look(conn, self.tenant_id, each) for each in self.ids]
            except psycopg.OperationalError:
                await asyncio.sleep(LOOK_EVERY_S)

    async def settled(self, within_s: float) -> bool:
        """Whether all are finished within the time; asked again and again."""
        deadline = time.monotonic() + within_s
        while not all(found.settled for found in await self.looked()):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
        return True


def write_leads(path: Path, count: int, ground: Ground, load: Load, seed: str) -> None:
    """Leads spread over the domains in turn; some with names that the sink acts upon."""
    rng = random.Random(seed)  # noqa: S311 - a list of leads, to be made again
    kinds, weights = list(load.mix), list(load.mix.values())
    plain = max(0.0, 1 - sum(weights))
    drawn = rng.choices(["lead", *kinds], [plain, *weights], k=count)
    domains, mark = ground.domains, path.stem
    lines = (
        f"{kind}-{mark}-{number}@{domains[number % len(domains)]},Name{number}\n"
        for number, kind in enumerate(drawn)
    )
    with path.open("w") as file:
        file.write("email,first_name\n")
        file.writelines(lines)
