"""What a reader of the log applies: a fold of events into rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from domain.event import Recorded, Topic

Connection = AsyncConnection[TupleRow]


class Fold(Protocol):
    """Events into rows. The runner commits the rows together with the cursor (I3).

    A fold uses event data only: no clock, no randomness, no look-ups outside its own rows (I9).
    It must not care how records of different partitions interleave, and a record that was written
    to the log twice (same `meta.id`, later offset) must be without effect. It keeps nothing in
    memory between calls that a rollback would have to undo.

    A fold may name in `handles` (a frozenset of event types) what it has a use for: the rest is
    passed over by a header, unparsed.
    """

    @property
    def reader(self) -> str:
        """The name under which its cursors and its freshness are kept."""
        ...

    @property
    def topics(self) -> tuple[Topic, ...]:
        """What it reads; records of a poll come in the order of these topics."""
        ...

    async def apply(self, conn: Connection, records: Sequence[Recorded]) -> None:
        """Fold records in, within the running transaction, in order per partition.

        Raises what Postgres raises, or ValueError, TypeError or KeyError for a record that cannot
        be folded; then it is called again with fewer records, until the poison one is found.
        """
        ...

    async def poisoned(self, conn: Connection, subject: str, reason: str) -> None:
        """A record about `subject` (its ce_subject, may be empty) went to the dead letters.

        Within the transaction that moves the cursor past it; may be told twice.
        """
        ...
