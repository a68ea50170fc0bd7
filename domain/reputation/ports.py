"""What tells how others see us: blocklists and names in DNS, and providers' own figures."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Protocol


class DnsUnanswered(Exception):  # noqa: N818 - a state of the outside
    """Nobody answered a DNS question, or not in a way that means anything: `str` says which."""


class Watcher(Protocol):
    """Asks one question about a sending IP's address or a domain, again and again."""

    async def ask(self, subject: str) -> str:
        """Empty when all is well, else what is wrong, in a word or code. Raises DnsUnanswered."""
        ...


@dataclass(frozen=True, slots=True)
class SpamShare:
    """What a provider told of a day's mail from one address or domain. Nothing of any person."""

    subject: str  # the address or domain
    provider: str
    day: date
    share_ppm: int  # that users called spam, in parts of a million
    messages: int = 0  # that the share was taken of; 0: not told
    traps: int = 0  # messages to spam traps
    verdict: str = ""  # green, yellow or red; empty: not told


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """What a feed told, and what it would not tell, each with its cure."""

    shares: tuple[SpamShare, ...] = ()
    problems: tuple[str, ...] = ()


class FeedRefused(Exception):  # noqa: N818 - a state of the outside
    """The provider tells nothing until a person does what `str` says."""


class FeedUnavailable(Exception):  # noqa: N818 - a state of the outside
    """The provider did not answer now; ask again after so many seconds."""

    def __init__(self, why: str, after_s: float) -> None:
        super().__init__(why)
        self.after_s = after_s


class ReputationFeed(Protocol):
    """A provider's own figures about mail from us. Reading blocks and may be repeated."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str:
        """Of its subjects: ip or domain."""
        ...

    @property
    def configured(self) -> bool:
        """Whether it can be asked; else it tells nothing."""
        ...

    def read(self, subjects: Collection[str], since: date, until: date) -> FeedAnswer:
        """What it knows of these subjects on these days, both included.

        Raises FeedRefused, FeedUnavailable.
        """
        ...
