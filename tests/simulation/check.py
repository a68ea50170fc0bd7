"""What must hold of a world that came to rest: the log's proof, and the receiving side's truth."""

from __future__ import annotations

from collections import Counter

from aiokafka import TopicPartition

from adapters import codec
from domain.event import Recorded
from domain.sending import Outcome
from ops.verify import bits
from ops.verify.fold import LogFold
from ops.verify.judge import judge
from ops.verify.states import states
from tests.simulation.log import SimLog
from tests.simulation.scenario import Scenario
from tests.simulation.wire import Wire

READ = frozenset({"pm.decisions", "pm.requests", "pm.attempts"})


class Proof:
    """`penguin verify`'s own fold of a log, kept up as the log grows."""

    def __init__(self, log: SimLog) -> None:
        self._log = log
        self._fold = LogFold()
        self._read: Counter[TopicPartition] = Counter()

    def open(self) -> int:
        """How many sends have no end yet."""
        return sum(campaign.open for campaign in judge(self._folded()).campaigns)

    def wrong(self, scenario: Scenario, wire: Wire) -> list[str]:
        """Everything that does not hold; empty: I4, I5, I6, I7, and the wire's own count."""
        report = judge(self._folded())
        found = [f"{one.kind}: {one.detail} {one.send_id}" for one in report.violations]
        found += [
            f"stranded: {campaign.campaign_id} has {campaign.open} open sends"
            for campaign in report.campaigns
            if campaign.open
        ]
        found += scenario.volume.wrong(self._attempts())
        told = _ends(self._fold)
        found += [f"lost: {send} has no state" for send in sorted(set(scenario.sends) - set(told))]
        for send, state in told.items():
            found += _against_wire(send, state, wire.received)
        return found

    def _attempts(self) -> list[Recorded]:
        return [
            codec.recorded(record)
            for place, records in self._log.parts.items()
            if place.topic == "pm.attempts"
            for record in records
        ]

    def _folded(self) -> LogFold:
        for place, records in self._log.parts.items():
            if place.topic in READ:
                for record in records[self._read[place] :]:
                    self._fold.apply(codec.recorded(record))
                self._read[place] = len(records)
        return self._fold


def _against_wire(send: str, state: str, received: Counter[str]) -> list[str]:
    count = received[send]
    if count > 1:
        return [f"twice: {send} was received {count} times"]
    if state == Outcome.ACCEPTED and count != 1:
        return [f"untrue: {send} is accepted and was not received"]
    if count and state not in (Outcome.ACCEPTED, Outcome.AMBIGUOUS):
        return [f"hidden: {send} was received and is told to be {state}"]
    return []


def _ends(fold: LogFold) -> dict[str, str]:
    found: dict[str, str] = {}
    for batch in fold.batches.values():
        ids = list(batch.ids)
        for state, members in states(batch).items():
            found |= {ids[index]: state for index in bits.each(members)}
    return found
