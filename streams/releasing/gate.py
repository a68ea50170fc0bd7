"""The gate that release and claim go through: open for one incarnation of Postgres and of the log.

A Postgres that was restored has forgotten claims: until each of their owners is past its deadline,
and the schedule has read what they wrote, nothing leaves (design-fixes.md 5, 12). A Postgres that
only restarted has forgotten nothing; the releaser tells the two apart by a count that it keeps both
there and elsewhere.

It opens only for the stack that holds send authority (domain/authority.py): a stack restored from a
backup, or copied, does not, until an operator takes it over there.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import structlog

from adapters.kafka_log import LogUnavailable
from adapters.postgres import named_sql
from domain.authority import NOT_HELD
from domain.event import Topic
from domain.ids import new_id
from domain.ports import LogEnds
from projections.fold import Connection

SQL = named_sql(Path(__file__).with_name("gate.sql"))

EXAMINE_EVERY_S = 2.0
RETRY_EVERY_S = 0.2

Ends = dict[tuple[str, int], int]  # (topic, partition) → end offset

_READ = (Topic.DECISIONS, Topic.REQUESTS, Topic.ATTEMPTS)
_UNSETTLED = (
    "Postgres started anew and may have been restored: waiting until whoever claimed before is past"
    " its deadline"
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Seen:
    """What this releaser last saw of Postgres while it was the active one."""

    keeper: str
    history: str = ""
    beat: int = -1
    log_id: str = ""
    epoch: int = 0
    attempts: dict[str, int] = field(default_factory=dict)  # partition → where it ended


class Memory:
    """Keeps `Seen` outside Postgres; in a local file, if one is given, also beyond this process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.seen = self._read() or Seen(keeper=new_id("key"))

    def keep(self, seen: Seen) -> None:
        """Replaces the file as a whole: it is never half written."""
        self.seen = seen
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(seen)))
        os.replace(fresh, self._path)  # noqa: PTH105 - Path.replace says less

    def _read(self) -> Seen | None:
        if self._path is None or not self._path.exists():
            return None
        try:
            return Seen(**json.loads(self._path.read_text()))
        except (ValueError, TypeError):
            return None


@dataclass(frozen=True)
class _State:
    """A row of the statement `examine`."""

    incarnation: str
    history: str
    settled: bool
    opened_for: str
    open: bool
    reason: str
    beat: int
    keeper: str
    epoch: int
    holder: str
    holder_log: str


class Gate:
    """Opens and closes the gate; `passed` says whether this releaser may go through it."""

    def __init__(
        self, ends: LogEnds, *, slice_deadline_s: float, memory: Memory, stack_id: str = ""
    ) -> None:
        """`stack_id`: whose releaser this is; empty where nobody holds send authority."""
        self._ends = ends
        self._stack_id = stack_id
        self._slice_deadline_s = slice_deadline_s
        self._memory = memory
        self._log_id = ""
        self._target: Ends | None = None
        self._attempted: dict[str, int] = {}
        self._may_pass = False
        self._due = 0.0

    def reconnected(self) -> None:
        """The connection was lost: what was found out through it is void."""
        self._may_pass, self._log_id, self._target, self._due = False, "", None, 0.0

    async def passed(self, conn: Connection) -> bool:
        """Whether the schedule is known to be current; looks again every EXAMINE_EVERY_S."""
        if time.monotonic() >= self._due:
            self._may_pass = await self._examine(conn)
            wait_s = EXAMINE_EVERY_S if self._may_pass else RETRY_EVERY_S
            self._due = time.monotonic() + wait_s
        return self._may_pass

    async def _examine(self, conn: Connection) -> bool:
        cursor = await conn.execute(SQL["examine"], {"slice_deadline_s": self._slice_deadline_s})
        row: Any = await cursor.fetchone()
        state = _State(*row)
        try:
            broken, waits = await self._objections(conn, state)
        except LogUnavailable as error:
            # Claims go on until the schedule is stale: the log only does not answer.
            log.warning("gate_waits", reason=str(error))
            return False
        await self._set(conn, state, broken or waits, closes=bool(broken))
        if broken or waits:
            return False
        await self._beat(conn, state, self._attempted)
        return True

    async def _objections(self, conn: Connection, state: _State) -> tuple[str, str]:
        """What is wrong with the log, and what has to be waited for; both empty: go."""
        self._log_id = self._log_id or await self._ends.identity()
        ends = await self._ends.ends(_READ)
        cursors: Any = await (await conn.execute(SQL["cursors"])).fetchall()
        self._attempted = _attempted(ends)
        broken = (
            _broken(cursors, ends, self._log_id)
            or _unauthorised(state, self._stack_id, self._log_id)
            or _shrunk(self._memory.seen, state, self._log_id, self._attempted)
        )
        if broken:
            self._target = None
            return broken, ""
        if self._target is None and self._quiet(state, ends):
            # Read after it is quiet, once: whatever was written till then has to be applied.
            self._target = await self._ends.ends(_READ)
        if self._target is None:
            return "", _UNSETTLED
        return "", _behind(cursors, self._target)

    def _quiet(self, state: _State, ends: Ends) -> bool:
        """Whether no claim that this Postgres does not know can still turn into mail."""
        unchanged = state.open and state.opened_for == state.incarnation
        known = unchanged or state.settled or self._nothing_was_lost(state)
        return known or not self._may_have_claims(ends)

    def _nothing_was_lost(self, state: _State) -> bool:
        """The count in Postgres is the one that was last kept here, or was about to be."""
        seen = self._memory.seen
        same = (state.history, state.keeper) == (seen.history, seen.keeper)
        return same and state.beat in {seen.beat, seen.beat + 1}

    def _may_have_claims(self, ends: Ends) -> bool:
        """Whether log or memory know of any attempt ever; offset 0 is the log's identity."""
        attempted = any(
            end > 1 for (topic, _), end in ends.items() if topic == Topic.ATTEMPTS.value
        )
        return attempted or self._memory.seen.beat >= 0

    async def _set(self, conn: Connection, state: _State, reason: str, *, closes: bool) -> None:
        """Open, or say why not. A gate that is open stays so while the schedule only lags."""
        stays = state.open and state.opened_for == state.incarnation and not closes
        given = {
            "incarnation": state.incarnation,
            "open": not reason or stays,
            "reason": reason,
        }
        changed = await conn.execute(SQL["set"], given)
        if changed.rowcount:
            log.info("gate_changed", open=given["open"], reason=reason)

    async def _beat(self, conn: Connection, state: _State, attempted: dict[str, int]) -> None:
        """Counted there first: a crash in between leaves the count here one behind."""
        keeper = self._memory.seen.keeper
        row: Any = await (await conn.execute(SQL["beat"], {"keeper": keeper})).fetchone()
        self._memory.keep(Seen(keeper, state.history, row[0], self._log_id, state.epoch, attempted))


def _broken(cursors: list[tuple[str, int, int, str]], ends: Ends, log_id: str) -> str:
    """Why log and schedule do not belong together, or empty (design-fixes.md 12)."""
    for topic, part, next_offset, cursor_log_id in cursors:
        if cursor_log_id != log_id:
            return (
                f"the schedule was read from log {cursor_log_id}, but this is log {log_id}: Kafka"
                " or Postgres was replaced; restore the one that belongs to the other"
            )
        if next_offset > ends.get((topic, part), next_offset):
            return (
                f"the schedule has applied {topic}/{part} up to {next_offset}, but the log ends at"
                f" {ends[topic, part]}: Kafka was restored to an older state"
            )
    return ""


def _unauthorised(state: _State, stack_id: str, log_id: str) -> str:
    """Why this stack may not send, or empty."""
    cure = "`penguin authority take --reason …` lets it send, once no other one does"
    if not state.holder and stack_id:
        return f"nobody holds send authority yet; this is stack {stack_id}: {cure}"
    if state.holder != stack_id:
        return (
            f"{NOT_HELD}{state.epoch}) is held by stack {state.holder}, but this is"
            f" stack {stack_id or 'without an id'}, a copy of it or restored elsewhere: {cure}"
        )
    if state.holder_log and state.holder_log != log_id:
        return (
            f"{NOT_HELD}{state.epoch}) was taken over log {state.holder_log}, but this"
            f" is log {log_id}: {cure}"
        )
    return ""


def _attempted(ends: Ends) -> dict[str, int]:
    """Where the attempts end, by partition."""
    return {str(part): end for (topic, part), end in ends.items() if topic == Topic.ATTEMPTS.value}


def _shrunk(seen: Seen, state: _State, log_id: str, attempted: dict[str, int]) -> str:
    """Why what was attempted before may be missing from the log, or empty.

    Postgres and Kafka restored together to an older state agree with each other; only what was
    noted outside of both tells. A new epoch settles it: somebody looked.
    """
    if (seen.log_id, seen.epoch) != (log_id, state.epoch):
        return ""
    for part, end in seen.attempts.items():
        if attempted.get(part, end) < end:
            return (
                f"the log holds {attempted[part]} records of attempts in partition {part}, but it"
                f" held {end} before: it was restored to an older state, and what was sent since is"
                " unknown here; `penguin authority take --anew --reason …` lets mail go again"
            )
    return ""


def _behind(cursors: list[tuple[str, int, int, str]], ends: Ends) -> str:
    """What the schedule has not applied yet, or empty."""
    at = {(topic, part): next_offset for topic, part, next_offset, _ in cursors}
    if any(at.get(place, 0) < end for place, end in ends.items()):
        return "the schedule catches up with the log"
    return ""
