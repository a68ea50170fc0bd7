"""One seed, from a world's beginning to its verdict."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.simulation.check import Proof
from tests.simulation.nemesis import Nemesis
from tests.simulation.scenario import Scenario
from tests.simulation.world import World

STEPS = (40, 130)
#: Rounds without any fault within which everything comes to an end.
CALM_ROUNDS_MAX = 400
#: Files of processes that die survive them, which does not take a disk.
MEMORY = Path("/dev/shm")  # noqa: S108


@dataclass
class Verdict:
    """What a seed came to. `story` is what happened, step by step."""

    seed: int
    wrong: list[str]
    story: list[str] = field(repr=False)
    received: int = 0
    rounds: int = 0


def run(seed: int, dsn: str) -> Verdict:
    """Let a world happen. Repeating a seed repeats the world."""
    dice = Random(seed)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        world = World(dsn, dice, Path(folder))
        scenario = Scenario(world)
        nemesis = Nemesis(world, scenario)
        try:
            with world.clock.everywhere():
                scenario.begin()
                world.start_life()
                if dice.random() < 0.8:
                    nemesis.begin()
                for _ in range(dice.randint(*STEPS)):
                    nemesis.step()
                proof = Proof(world.log)
                rounds = _come_to_rest(proof, scenario, nemesis)
                wrong = proof.wrong(scenario, world.wire)
                received = world.wire.received.total()
                return Verdict(seed, wrong, nemesis.story, received, rounds)
        finally:
            world.close()


def _come_to_rest(proof: Proof, scenario: Scenario, nemesis: Nemesis) -> int:
    """People resume what they paused, and nothing breaks any more."""
    scenario.settle()
    for rounds in range(CALM_ROUNDS_MAX):
        if proof.open() == 0:
            return rounds
        nemesis.calm()
    return CALM_ROUNDS_MAX
