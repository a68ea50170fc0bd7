"""One run: test stack, ground, load, nemesis, an end for everything, the verdict."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from adapters.settings import Settings
from domain.ids import deriver
from ops import board
from ops.board import State
from ops.chaos import ground, oracle, records
from ops.chaos.calls import Caller
from ops.chaos.faults import World
from ops.chaos.load import Campaigns
from ops.chaos.nemesis import torment
from ops.chaos.plan import Plan, draw
from ops.chaos.testing_ground import require_test_stack
from ops.chaos.watch import Arrivals, watch
from ops.errors import Missing
from ops.launching.sending import LOCAL_TENANT
from ops.stack.stack import Stack, load
from ops.where import Where

Tell = Callable[[str], None]
HEALS_WITHIN_S = 60.0
#: Faults after which a dot may stay without its reply.
BREAKING = frozenset({"kill", "quit", "pause", "join"})
BROKEN_BY = ("dispatcher", "sink")


async def run(where: Where, plan: Plan, seed: int, tell: Tell) -> dict[str, Any]:
    """Harm the stack as planned and judge; the result as `--json` prints it.

    Raises Usage and Missing before anything is done where the stack is none for tests.
    """
    stack = require_test_stack(load(where.data_dir), where)
    name = "c" + secrets.token_hex(4)
    tell(f"plan {plan.name}, seed {seed}, run {name}")
    async with ground.laid(
        stack.data,
        stack.ports["smtp"],
        name,
        hops=plan.load.hops,
        tls=plan.load.tls,
        latency_ms=plan.load.latency_ms,
    ) as laid:
        return await _Run(where, stack, plan, laid, tell).go(seed)


class _Run:
    def __init__(
        self, where: Where, stack: Stack, plan: Plan, laid: ground.Ground, tell: Tell
    ) -> None:
        self._where, self._stack, self._plan, self._tell = where, stack, plan, tell
        self._arrivals = Arrivals()
        rng = random.Random(laid.run)  # noqa: S311 - as drawn
        self._world = World(stack, laid, rng, self._arrivals)
        self._campaigns = Campaigns(where, laid, plan.load)
        self._campaigns.tenant_id = deriver(where.id_key.encode(), "ten")(LOCAL_TENANT)
        self._over = False
        self._repeated_before = 0
        self._calls = Caller(stack, self._campaigns.tenant_id, laid.run, plan.load.calls_per_s)

    @property
    def _sink(self) -> Path:
        return self._stack.data / "sink" / "received.jsonl"

    async def go(self, seed: int) -> dict[str, Any]:
        began = time.monotonic()
        before = self._restarts()
        self._repeated_before = await oracle.decisions_repeated(self._where)
        watching = asyncio.create_task(watch(self._sink, self._arrivals))
        await self._campaigns.launch(seed)
        calling = asyncio.create_task(self._calls.call())
        settled = await self._harm(seed)
        healed = await self._healed()
        self._calls.stop.set()
        await calling
        elapsed_s = time.monotonic() - began
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        verdict = await oracle.judge(
            self._where,
            self._campaigns.ids,
            self._world.ground.run,
            self._sink,
            stores=self._plan.expect.stores_equal,
        )
        verdict.problems += await self._calls.judged(self._where)
        verdict.problems += await self._unlettered()
        self._expect(verdict, settled=settled, healed=healed)
        return self._result(verdict, seed, elapsed_s, self._restarts() - before)

    async def _harm(self, seed: int) -> bool:
        """Whether everything had its end in time after the last fault."""
        harming = asyncio.create_task(
            torment(
                self._world,
                draw(self._plan, seed),
                for_s=self._plan.for_s,
                over=lambda: self._over,
                tell=self._tell,
            )
        )
        try:
            while not harming.done() and not self._over:
                self._over = await self._campaigns.settled(0)
                await asyncio.sleep(0.2)
            await harming
        finally:
            harming.cancel()
        self._tell("the faults are over; waiting until every send has its end")
        if self._plan.load.cap is not None:
            await self._campaigns.end_capped(self._plan.settle_s)
        return await self._campaigns.settled(self._plan.settle_s)

    async def _healed(self) -> bool:
        """Whether every process runs again, without a hand."""
        deadline = time.monotonic() + HEALS_WITHIN_S
        while time.monotonic() < deadline:
            lines = board.read(self._stack.data).processes
            if all(line.state == State.RUNNING and line.life.runs() for line in lines):
                return True
            await asyncio.sleep(0.1)
        return False

    async def _unlettered(self) -> list[str]:
        """Poison that no reader put among the dead letters."""
        poisoned = self._world.poisoned
        if not poisoned:
            return []
        left = await records.unlettered(self._stack, poisoned, HEALS_WITHIN_S)
        if not left:
            return []
        return [f"{len(left)} of {len(poisoned)} poisoned records are no dead letters: {left[:3]}"]

    def _restarts(self) -> int:
        return sum(line.restarts for line in board.read(self._stack.data).processes)

    def in_flight_max(self) -> int:
        """How many dots may have been in the air at the faults that can leave one unanswered.

        Each connection has one message under way: lanes x connections for every life that ended,
        and what the links themselves cut off, or swallowed although the client had written it.
        """
        slots = Settings().lane_connections * len(self._world.ground.proxies)
        ended = sum(
            count
            for name, count in self._world.done.items()
            if name.split()[0] in BREAKING
            and (_role(name.split()[-1]) in BROKEN_BY or name == "join")
        )
        return slots * ended + sum(
            proxy.unanswered + proxy.unfinished for proxy in self._world.ground.proxies
        )

    def _expect(self, verdict: oracle.Verdict, *, settled: bool, healed: bool) -> None:
        expect, problems = self._plan.expect, verdict.problems
        if not settled:
            problems.append(f"not every campaign finished within {self._plan.settle_s:.0f} s")
        if not healed:
            problems.append("not every process runs again")
        most = self.in_flight_max()
        if expect.ambiguous_max is not None:
            most = min(most, expect.ambiguous_max)
        if verdict.ambiguous > most:
            problems.append(f"{verdict.ambiguous} sends are ambiguous, at most {most} may be")
        if expect.resumed_max_s is not None and self._world.resumed_max_s > expect.resumed_max_s:
            problems.append(
                f"after a fault nothing arrived for {self._world.resumed_max_s:.1f} s, "
                f"at most {expect.resumed_max_s} s may pass"
            )
        done = sum(n for name, n in self._world.done.items() if name != "none")
        if done < expect.faults_min:
            problems.append(f"only {done} faults were done, {expect.faults_min} are asked for")
        if verdict.decisions_repeated > self._repeated_before:
            problems.append(
                f"{verdict.decisions_repeated - self._repeated_before} decisions lie in the log "
                "out of order or twice: two relays carried them"
            )
        share = expect.journal_share_min
        if share is not None and verdict.journal_received < share * verdict.journal_ambiguous:
            problems.append(
                f"of {verdict.journal_ambiguous} sends whose dot the journal had, only "
                f"{verdict.journal_received} were received"
            )

    def _result(
        self, verdict: oracle.Verdict, seed: int, elapsed_s: float, restarts: int
    ) -> dict[str, Any]:
        found = asdict(verdict)
        problems = found.pop("problems")
        return {
            "ok": not problems and verdict.verify_ok,
            "plan": self._plan.name,
            "seed": seed,
            "run": self._world.ground.run,
            "campaigns": self._campaigns.ids,
            **found,
            "in_flight_max": self.in_flight_max(),
            "resumed_max_s": round(self._world.resumed_max_s, 2),
            "stall_max_s": round(self._arrivals.stall_max_s, 2),
            "faults": dict(sorted(self._world.done.items())),
            "poisoned": len(self._world.poisoned),
            "restarts": restarts,
            "calls": self._calls.counts(),
            "elapsed_s": round(elapsed_s, 1),
            "faults_not_done": self._world.problems,
            "problems": problems,
        }


def _role(process: str) -> str:
    """Of a process: dispatcher-2 is a dispatcher."""
    return process.partition("-")[0]


def require_data(data: Path) -> None:
    """Raises Missing where there is no stack at all."""
    if load(data) is None:
        raise Missing(f"there is no stack in {data}: `penguin up --data {data}` makes one")
