"""The receiving side: what reached it after a final dot is the truth that logs are judged by."""

from __future__ import annotations

from collections import Counter
from random import Random

from domain.ports import Message, Phase, Reply

ACCEPTED = Reply(Phase.DOT, 250, "2.0.0 taken")
DEFERRED = Reply(Phase.DOT, 451, "4.7.1 greylisted, try again later")
REJECTED = Reply(Phase.DOT, 550, "5.1.1 no such user")


class Wire:
    """Takes mail or not, by dice; `received` counts by send."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self.received: Counter[str] = Counter()
        self.dots: Counter[str] = Counter()

    def dot(self, message: Message) -> Reply:
        """The final dot of a mail arrived: what becomes of it, and the reply that is on its way."""
        self.dots[message.mail_from] += 1
        reply = self._dice.choices((ACCEPTED, DEFERRED, REJECTED), (12, 4, 1))[0]
        if reply is ACCEPTED:
            self.received[message.mail_from] += 1
        return reply
