"""Hides a template's tags from programs that read HTML, and shows them again afterwards.

A tag becomes a word where text or an attribute's value stands, and a comment where a statement
stands between elements (words in a table would be moved out of it).
"""

from __future__ import annotations

import hashlib
import re

from adapters.message import tags
from adapters.message.engine import BadTemplate
from adapters.message.tags import Kind, Tag

_OPENING = re.compile(r"<!--|<(/?[A-Za-z][\w:-]*)")
_IN_TAG = re.compile(r"[\"'>]")
_RAW_TEXT = frozenset({"style", "script", "title", "textarea"})
_OPENS_TAG = re.compile(r"\{(?=[{%#]|\Z)")


class Mask:
    """The hidden tags of one mail."""

    def __init__(self, source: str) -> None:
        """`source`: all that will be hidden, so that no word of it is taken for a hidden tag."""
        salt = hashlib.blake2b(source.encode(), digest_size=6).hexdigest()
        self._word = f"pm{salt}q{{}}z"
        self.pattern = re.compile(rf"<!--pm{salt}q(\d+)z-->|pm{salt}q(\d+)z")
        self._tags: list[Tag] = []
        self._in_attributes: set[int] = set()

    def add(self, source: str) -> str:
        """The word that stands for a tag of our own."""
        return self._hide(Tag(Kind.EXPRESSION, source, 0))

    def hide(self, source: str, *, as_words: bool = False) -> str:
        """HTML with words and comments in place of tags, or words only.

        BadTemplate when a tag stands between the attributes of an element.
        """
        context = _Context()
        found = []
        for part in tags.split(source):
            if isinstance(part, Tag):
                found.append(self._hidden_in(context, part, as_words))
            else:
                context.read(part)
                found.append(part)
        return "".join(found)

    def hide_in_text(self, source: str) -> str:
        """Text with words in place of tags."""
        parts = tags.split(source)
        return "".join(self._hide(part) if isinstance(part, Tag) else part for part in parts)

    def show(self, masked: str) -> str:
        """The source again. What only looks like a tag by now (`&#123;{`) is kept as text."""
        found = []
        end = 0
        for hit in self.pattern.finditer(masked):
            found += [_kept_text(masked[end : hit.start()]), self._tags[_number(hit)].source]
            end = hit.end()
        return "".join([*found, _kept_text(masked[end:])])

    def order(self, masked: str) -> list[int]:
        """The hidden tags' numbers as they stand, without those within an element's own tag."""
        return [number for number in self._numbers(masked) if number not in self._in_attributes]

    def demand_all(self, before: str, after: str) -> None:
        """BadTemplate when a tag that is hidden in `before` is no longer in `after`."""
        kept = set(self._numbers(after))
        lost = [self._tags[number] for number in self._numbers(before) if number not in kept]
        if lost:
            source = " ".join(lost[0].source.split())
            raise BadTemplate(f"`{source:.60}` stands where HTML cannot keep it", lost[0].line)

    def _numbers(self, masked: str) -> list[int]:
        return [_number(hit) for hit in self.pattern.finditer(masked)]

    def _hide(self, tag: Tag) -> str:
        self._tags.append(tag)
        return self._word.format(len(self._tags) - 1)

    def _hidden_in(self, context: _Context, tag: Tag, as_words: bool) -> str:  # noqa: FBT001
        if tag.kind is Kind.COMMENT:
            return ""
        if context.between_attributes and not (
            tag.kind is Kind.EXPRESSION and context.after_equals
        ):
            raise BadTemplate(
                "a tag stands between the attributes of an HTML element: put it inside the quotes",
                tag.line,
            )
        if not context.between_elements:
            self._in_attributes.add(len(self._tags))
            return self._hide(tag)
        is_word = as_words or tag.kind is Kind.EXPRESSION
        return self._hide(tag) if is_word else f"<!--{self._hide(tag)}-->"


class _Context:
    """Where in an HTML document a reader stands."""

    def __init__(self) -> None:
        # "" in text, "<" in an element's tag; a quote, "-->" or "</style": until there.
        self._inside = ""
        self._element = ""
        self.after_equals = False

    @property
    def between_elements(self) -> bool:
        return self._inside == ""

    @property
    def between_attributes(self) -> bool:
        return self._inside == "<"

    def read(self, text: str) -> None:
        """Go on over text without tags."""
        at = 0
        while at < len(text):
            at = self._step(text, at)
        self.after_equals = text.rstrip().endswith("=")

    def _step(self, text: str, at: int) -> int:
        if self._inside == "":
            return self._open(text, at)
        if self._inside == "<":
            return self._within_tag(text, at)
        found = re.compile(re.escape(self._inside), re.IGNORECASE).search(text, at)
        if found is None:
            return len(text)
        if self._inside[:2] == "</":
            self._element = ""
        self._inside = "" if self._inside == "-->" else "<"
        return found.end()

    def _open(self, text: str, at: int) -> int:
        found = _OPENING.search(text, at)
        if found is None:
            return len(text)
        self._element = (found[1] or "").lower()
        self._inside = "<" if found[1] else "-->"
        return found.end()

    def _within_tag(self, text: str, at: int) -> int:
        found = _IN_TAG.search(text, at)
        if found is None:
            return len(text)
        self._inside = found[0]
        if found[0] == ">":
            self._inside = f"</{self._element}" if self._element in _RAW_TEXT else ""
        return found.end()


def _number(hit: re.Match[str]) -> int:
    return int(hit[1] or hit[2])


def _kept_text(text: str) -> str:
    return _OPENS_TAG.sub('{{ "{" }}', text)
