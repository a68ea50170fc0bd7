"""A rule: wordings, the class that they mean, and the source that says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from domain.outcome_rules import OutcomeClass
from domain.replies.words import Pattern, compiled, expression


@dataclass(frozen=True)
class Rule:
    """Any of `says` means `reason`, for reply codes that begin with a digit of `codes`.

    `unless`: wordings beside which it does not hold. `of`: the providers that alone use it, empty
    for all. `links`: looks into links as well.
    """

    name: str
    reason: OutcomeClass
    says: tuple[str, ...]
    source: str
    codes: str = "45"
    unless: tuple[str, ...] = ()
    of: frozenset[str] = frozenset()
    links: bool = False

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        return tuple(map(compiled, self.says))

    @cached_property
    def exceptions(self) -> tuple[re.Pattern[str], ...]:
        return tuple(map(expression, self.unless))

    def holds(self, text: str, digit: str, provider: str) -> bool:
        """Whether what it says about codes, providers and exceptions lets it speak of this text."""
        return (
            digit in self.codes
            and (not self.of or provider in self.of)
            and not any(regex.search(text) for regex in self.exceptions)
        )


def rule(
    name: str,
    reason: OutcomeClass,
    says: str,
    *,
    source: str,
    codes: str = "45",
    unless: str = "",
    of: str = "",
    links: bool = False,
) -> Rule:
    """A rule from a pattern a line; a line that ends with `|` goes on in the next."""
    return Rule(
        name, reason, _lines(says), source, codes, _lines(unless), frozenset(of.split()), links
    )


def _lines(text: str) -> tuple[str, ...]:
    joined = re.sub(r"\|\s*\n\s*", "|", text)
    return tuple(line.strip() for line in joined.splitlines() if line.strip())
