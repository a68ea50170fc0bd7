"""Knows which final dots this process wrote without an answer yet, and when no more may follow.

Stands between the lanes and the dot journal. Concluding a slice first closes it here: a lane that
still works on it then gets OSError instead of leave to write a dot.
"""

from __future__ import annotations

from typing import Protocol

from domain.ports import DotJournal


class KeptJournal(DotJournal, Protocol):
    """A dot journal that is told from when to when a release's notes are needed."""

    def begin(self, release_id: str) -> None: ...

    def concluded(self, release_id: str) -> None: ...


class Dots:
    """A `domain.ports.DotJournal` for the lanes; only opened releases may be dotted."""

    def __init__(self, journal: KeptJournal) -> None:
        self.name = journal.name
        self._journal = journal
        self._unanswered: dict[str, set[int]] = {}
        self._forbidden = False
        self.broken = False  # the journal failed: this process life writes no dot any more

    def begin(self, release_id: str) -> None:
        """Have the journal kept for a release that is about to be started. OSError: do not."""
        try:
            self._journal.begin(release_id)
        except OSError:
            self.broken = self._forbidden = True
            raise

    def open(self, release_id: str) -> None:
        """Allow dots of a release whose SliceStarted is in the log."""
        self._unanswered[release_id] = set()

    def close(self, release_id: str) -> set[int]:
        """Allow no more dots of it; the indexes that were dotted and got no reply."""
        return self._unanswered.pop(release_id, set())

    def forbid(self) -> None:
        """Allow no more dots at all: the process is about to end. Replies are still awaited."""
        self._forbidden = True

    def dotted(self, release_id: str, index: int) -> None:
        """Note a dot that comes next. Raises OSError: no dot then."""
        if self._forbidden or release_id not in self._unanswered:
            raise OSError(f"no dot of {release_id} may be written any more")
        try:
            self._journal.dotted(release_id, index)
        except OSError:
            self.broken = self._forbidden = True
            raise
        self._unanswered[release_id].add(index)

    def replied(self, release_id: str, index: int, code: int) -> None:
        """Note the reply to a dot; one that comes after `close` no longer counts."""
        if release_id in self._unanswered:
            self._journal.replied(release_id, index, code)
            self._unanswered[release_id].discard(index)

    def concluded(self, release_id: str) -> None:
        """All outcomes of a closed release are in the log."""
        self._journal.concluded(release_id)
