"""All rules in their order, as one value with a version; finds the first that fits a text.

Order matters: identity before form, form before mailboxes, mailboxes before reputation, what is
said on purpose before what machines say of themselves.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from domain.replies import content, identity, mailbox, nobody, reputation, text
from domain.replies.form import FORM_RULES
from domain.replies.providers import PROVIDER_RULES
from domain.replies.routes import MACHINE_RULES, ROUTE_RULES
from domain.replies.rules import Rule
from domain.replies.tongues import TONGUE_RULES
from domain.replies.words import STEM_MIN, Pattern

#: Raised with every change of a rule; the log tells it beside each class that was judged by rules.
VERSION = 4

ENGLISH_RULES: tuple[Rule, ...] = (
    identity.HEADER_TWICE,
    *identity.IDENTITY_RULES,
    *FORM_RULES,
    mailbox.CLOSED,
    mailbox.RATE,
    reputation.QUOTA_OF_SENDER,
    mailbox.FULL,
    reputation.GREYLISTED,
    reputation.LISTED,
    reputation.BLOCKED,
    *reputation.RATE_RULES,
    *content.CONTENT_RULES,
    *ROUTE_RULES,
    nobody.GONE,
    nobody.UNAVAILABLE,
    *content.POLICY_RULES,
    *MACHINE_RULES,
    nobody.ADDRESS_REJECTED,
)
RULES: tuple[Rule, ...] = (*PROVIDER_RULES, *TONGUE_RULES, *ENGLISH_RULES)

_WORD = re.compile(r"[a-z0-9]+")
#: Words of a pattern that are looked for before its regex is tried.
DEPTH = 4
KNOWN_WORDS_MAX = 20_000


class RuleSet:
    """Rules ready to match. Texts are lower case, without accents (domain.replies.text).

    Sets of patterns are bits of integers: `DEPTH` layers of one bit a pattern, layer i for the i-th
    word that it must have. A text's words, or-ed, leave in every layer the patterns whose i-th word
    is there; what is in all layers may fit, and the lowest bit is the first in order.
    """

    def __init__(self, rules: Iterable[Rule], version: int) -> None:
        self.version = version
        self.rules = tuple(rules)
        self._found: list[tuple[Rule, Pattern]] = [
            (rule, pattern) for rule in self.rules for pattern in rule.patterns
        ]
        self._words: dict[str, int] = defaultdict(int)
        self._stems: dict[str, int] = defaultdict(int)
        self._always, self._foreign = 0, 0
        for place, (_, pattern) in enumerate(self._found):
            self._enter(place, pattern)
        self._longest = max(map(len, self._stems), default=0)
        self._bits_of: dict[str, int] = {}

    def _enter(self, place: int, pattern: Pattern) -> None:
        bits = [1 << (place + layer * len(self._found)) for layer in range(DEPTH)]
        if not pattern.keys:
            self._foreign |= sum(bits)
            return
        for bit, keys in zip(bits, pattern.keys, strict=False):
            for word in keys.words:
                self._words[word] |= bit
            for stem in keys.stems:
                self._stems[stem] |= bit
        self._always |= sum(bits[len(pattern.keys) :])

    def first(self, words: str, links: str, digit: str, provider: str) -> Rule | None:
        """The first rule that fits. `links`: the same text with its links."""
        found = self._first(words, links, digit, provider)
        return found[0] if found else None

    def wording(self, said: str, digit: str, provider: str) -> tuple[str, str] | None:
        """Of a raw text, the name of the rule that decides and the pattern of it that fits."""
        links = text.masked(said)
        found = self._first(text.words_of(links), links, digit, provider)
        return (found[0].name, found[1].text) if found else None

    def _first(
        self, words: str, links: str, digit: str, provider: str
    ) -> tuple[Rule, Pattern] | None:
        places = self._places(links)
        while places:
            lowest = places & -places
            rule, pattern = self._found[lowest.bit_length() - 1]
            where = links if rule.links else words
            if pattern.regex.search(where) and rule.holds(where, digit, provider):
                return rule, pattern
            places ^= lowest
        return None

    def _places(self, words: str) -> int:
        """The patterns that may fit, as bits."""
        found = self._always if words.isascii() else self._always | self._foreign
        known = self._bits_of
        for word in set(_WORD.findall(words)):
            found |= known[word] if word in known else self._bits(word)
        size = len(self._found)
        whole = (1 << size) - 1
        return found & (found >> size) & (found >> 2 * size) & (found >> 3 * size) & whole

    def _bits(self, word: str) -> int:
        bits = self._words.get(word, 0)
        for length in range(STEM_MIN, min(len(word), self._longest) + 1):
            bits |= self._stems.get(word[:length], 0)
        if len(self._bits_of) >= KNOWN_WORDS_MAX:
            self._bits_of.clear()
        self._bits_of[word] = bits
        return bits


CURRENT = RuleSet(RULES, VERSION)
