"""Picks what happens next, by dice: progress of each process, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tests.simulation.life import Held, Life
from tests.simulation.scenario import Scenario
from tests.simulation.world import World

LIVES_MAX = 3
#: How a held port goes on, and how often: the good way first.
ANSWERS = {
    "started": (("stored", "unacknowledged", "lost"), (8, 1, 1)),
    "outcomes": (("stored", "unacknowledged", "lost"), (8, 1, 1)),
    "data": (("on",), (1,)),
    "dot": (("on",), (1,)),
    "reply": (("told", "lost"), (6, 1)),
}
APPENDS = (("", "lost", "unacknowledged", "crash_before", "crash_after"), (12, 1, 1, 1, 1))
KNOWN_AFTER_S = 12.0  # rows may be so old that a claim goes by
CALM_PAUSES_S = (6.0, 100.0, 3700.0)  # and then until tomorrow
PAUSES_S = ((0.05, 0.6, 4.0, 12.0, 45.0, 90.0), (8, 6, 3, 2, 1, 1))

T = TypeVar("T")
Step = Callable[[], None]


@dataclass
class Nemesis:
    """Moves a world step by step, and breaks things in between."""

    world: World
    scenario: Scenario
    story: list[str] = field(default_factory=list)
    _length: int = 0
    _idle: int = 0

    def step(self) -> None:
        """One thing happens."""
        steps = (
            (self._read, 10),
            (self._tick, 8),
            (self._hint, 8),
            (self._hold, 26),
            (self._time, 8),
            (self._sweep, 3),
            (self._start, 1),
            (self._kill, 2),
            (self._freeze, 2),
            (self._thaw, 3),
            (self._late, 1),
            (self._again, 1),
            (self._decide, 1),
            (self._volume, 8),
            (self._lose_answer, 1),
            (self._restart, 1),
        )
        names, weights = zip(*steps, strict=True)
        chosen: Step = self.world.dice.choices(names, weights)[0]
        self.story.append(f"{self.world.clock.passed_s:.2f} {chosen.__name__.strip('_')}")
        chosen()

    def begin(self) -> None:
        """The schedule reads what is there, and the gate opens: most worlds begin at work."""
        self._read_all()
        self.world.tick()

    def calm(self) -> None:
        """A round in which nothing goes wrong: everybody gets on."""
        for life in list(self.world.lives.values()):
            life.frozen = False
        if not self.world.lives:
            self.world.start_life()
        self._let_time_pass()
        self._read_all()
        self.world.tick()
        for place in self.world.hints():
            while place in self.world.hints():
                self.world.deliver_hint(place, self._awake()[0])
        self._answer_all()
        self._read_all()
        self.world.sweep()

    def _let_time_pass(self) -> None:
        """The longer nothing happens, the more: a lease ends, a breaker's hour, a cap's day."""
        length = self.world.log.length
        self._idle = 0 if length > self._length else self._idle + 1
        self._length = length
        if self._idle < len(CALM_PAUSES_S):
            self.world.pass_time(CALM_PAUSES_S[self._idle])
        else:
            self.world.pass_time(self.world.clock.until_tomorrow_s())

    def _note(self, what: str) -> None:
        self.story[-1] += f" {what}"

    # ---- progress

    def _read(self) -> None:
        """A reader polls some of what it could; now and then its process dies before the commit."""
        dice, reader = self.world.dice, self.world.schedule
        behind = self.world.behind(reader)
        chosen = dice.sample(behind, dice.randint(0, len(behind)))
        crash = dice.random() < 0.08
        if chosen:
            offered = {place: dice.randint(1, 6) for place in chosen}
            self._note(f"{offered} crash={crash}")
            self.world.read(reader, offered, crash=crash)
        if not crash:
            self.world.report(reader)

    def _read_all(self) -> None:
        reader = self.world.schedule
        behind = self.world.behind(reader)
        if behind:
            self.world.read(reader, dict.fromkeys(behind, 500), crash=False)
        self.world.report(reader)

    def _tick(self) -> None:
        fault = self._one_of(APPENDS)
        self._note(fault)
        self.world.tick(fault)

    def _sweep(self) -> None:
        self.world.sweep(self._one_of(APPENDS))

    def _hint(self) -> None:
        """A dispatcher gets a hint; after a rebalance two of them get the same one."""
        awake, dice = self._awake(), self.world.dice
        places = self.world.hints()
        if awake and places:
            life = dice.choice(awake)
            self._note(life.name)
            self.world.deliver_hint(dice.choice(places), life, moves=dice.random() < 0.8)

    def _hold(self) -> None:
        """Something that a dispatcher waits for comes."""
        waiting = [(life, held) for life in self._awake() for held in life.held]
        if waiting:
            life, held = self.world.dice.choice(waiting)
            self._answer(life, held)

    def _answer(self, life: Life, held: Held) -> None:
        answer = self._one_of(ANSWERS[held.kind])
        self._note(f"{life.name} {held.kind} {answer}")
        life.answer(held, answer)

    def _answer_all(self) -> None:
        for life in self._awake():
            while life.held:
                held = life.held[0]
                life.answer(held, ANSWERS[held.kind][0][0])

    def _time(self) -> None:
        seconds = self._one_of(PAUSES_S)
        self._note(f"+{seconds}")
        self.world.pass_time(seconds)

    # ---- what goes wrong

    def _start(self) -> None:
        if len(self.world.lives) < LIVES_MAX:
            self.world.start_life()

    def _kill(self) -> None:
        """End a process, a frozen one too, as by kill -9; rarely its machine with it."""
        if self.world.lives:
            life = self.world.dice.choice(list(self.world.lives.values()))
            with_machine = self.world.dice.random() < 0.15
            self._note(f"{life.name} machine={with_machine}")
            self.world.kill(life, with_machine=with_machine)

    def _freeze(self) -> None:
        """SIGSTOP, perhaps in between a look at the clock and the dot that it allowed."""
        awake = self._awake()
        if awake:
            life = self.world.dice.choice(awake)
            life.frozen = True
            dots = [held for held in life.held if held.kind == "dot"]
            if dots and self.world.dice.random() < 0.5:
                dots[0].resolve("on")
            self._note(life.name)

    def _thaw(self) -> None:
        frozen = [life for life in self.world.lives.values() if life.frozen]
        if frozen:
            life = self.world.dice.choice(frozen)
            life.frozen = False
            self._note(life.name)
            life.run()

    def _late(self) -> None:
        """What a producer gave up waiting for reaches the log all the same."""
        afloat = [life for life in self._awake() if life.afloat]
        if afloat:
            drafts = afloat[0].afloat.pop()
            self.world.log.store(drafts)

    def _again(self) -> None:
        self.world.log.repeat(self.world.dice.choice)

    def _decide(self) -> None:
        self.scenario.decide()

    def _volume(self) -> None:
        """Volume control decides; often long enough ago for everybody to have to know of it."""
        self.scenario.volume.decide()
        if self.world.dice.random() < 0.3:
            self._note(f"+{KNOWN_AFTER_S}")
            self.world.pass_time(KNOWN_AFTER_S)

    def _lose_answer(self) -> None:
        """A dispatcher's next transaction commits, and the connection breaks before it hears so."""
        for life in self._awake()[:1]:
            life.line.loses_answer = True

    def _restart(self) -> None:
        """Postgres starts anew; or, more rarely, from nothing."""
        if self.world.dice.random() < 0.4:
            self._note("from nothing")
            self.world.lose_postgres()
        else:
            self.world.restart_postgres()

    # ---- choosing

    def _awake(self) -> list[Life]:
        return [life for life in self.world.lives.values() if not life.frozen]

    def _one_of(self, choices: tuple[tuple[T, ...], tuple[int, ...]]) -> T:
        return self.world.dice.choices(*choices)[0]
