"""Edits that must not undo each other's work: ETag and If-Match (RFC 9110 §13)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Unpack

from fastapi import Header

from api.answers import Json
from api.desk import Desk
from api.positions import part_of
from api.problems import Problem
from domain.event import Event, Topic
from domain.ports import CommandContext, Decided, Decider, Outcome, Wanted
from domain.refusals import Outdated
from projections.reads import Bound

REVISION = re.compile(r"r[0-9]{1,9}")
IfMatch = Annotated[
    str,
    Header(
        max_length=100,
        pattern=r"^(\*|\"[A-Za-z0-9_.-]+\")?$",
        description="the ETag that was read, in quotes; `*`: whatever it is now",
    ),
]


def etag(revision: int) -> str:
    """The ETag of a revision."""
    return f'"r{revision}"'


def revision_of(if_match: str) -> int | None:
    """The revision that an edit stands on; None: any. Raises Problem for a missing or odd one."""
    if if_match == "*":
        return None
    found = if_match.strip('"')
    if not if_match:
        raise Problem("precondition_required", "send If-Match with the ETag that you read, or *")
    if not REVISION.fullmatch(found):
        raise Problem("precondition_failed", "If-Match is no ETag of this; read it again")
    return int(found[1:])


def given(if_match: str) -> int | None:
    """As `revision_of`, where an edit need not stand on anything: '' is as `*`."""
    return revision_of(if_match) if if_match else None


#: Of a thing's events, those that its read models have applied: a cursor that is missing belongs to
#: one that was just rebuilt, which has all of them.
SHOWN = """
SELECT count(*) AS revision FROM es.decision_events AS d
WHERE d.tenant_id = %(tenant_id)s AND d.originator_id = %(stream)s
AND d.notification_id <= coalesce((
  SELECT min(c.last_pos) FROM app.read_model AS m
  JOIN app.cursor AS c ON c.reader = m.name || '_v' || m.version
  WHERE m.state = 'active' AND m.name = ANY(%(models)s)
    AND c.topic = %(topic)s AND c.part = %(part)s
), d.notification_id)
"""


async def shown(bound: Bound, stream: str, *models: str) -> str:
    """The ETag of a thing as these read models show it. Ask before you read them.

    They may know more by then, never less: an edit is refused too often rather than too seldom.
    """
    place = {"topic": Topic.DECISIONS.value, "part": part_of(bound.tenant_id)}
    (row,) = await bound.rows(SHOWN, stream=stream, models=list(models), **place)
    return etag(row["revision"])


@dataclass(frozen=True)
class _Counted:
    """Folds a state beside the number of its events."""

    evolve: Callable[[Any, Event], Any]

    def __call__(self, state: tuple[int, Any], event: Event) -> tuple[int, Any]:
        return state[0] + 1, self.evolve(state[1], event)


@dataclass
class At:
    """A Decider that changes one stream only at the revision on which its caller stands.

    `revision` is that of the stream after its last decision. What changes nothing is never
    refused.
    """

    inner: Decider
    stream_id: str
    expected: int | None
    revision: int | None = None

    def transact(
        self,
        stream_id: str,
        initial: Any,
        evolve: Callable[[Any, Event], Any],
        decide: Callable[[Any], Sequence[Event]],
        **context: Unpack[CommandContext],
    ) -> Decided:
        """As the port promises. Raises Outdated too."""
        if stream_id != self.stream_id:
            return self.inner.transact(stream_id, initial, evolve, decide, **context)

        def checked(state: tuple[int, Any]) -> Sequence[Event]:
            events = tuple(decide(state[1]))
            if events and self.expected not in {None, state[0]}:
                raise Outdated("If-Match: it was changed since; read it again")
            self.revision = state[0] + len(events)
            return events

        counted = _Counted(evolve)
        return self.inner.transact(stream_id, (0, initial), counted, checked, **context)

    def transact_many(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """As the port promises; revisions are not looked at."""
        return self.inner.transact_many(wanted)


def at(desk: Desk, stream_id: str, if_match: str) -> tuple[Desk, At]:
    """A desk whose decisions on this stream hold at the given ETag alone; none, `*`: at any."""
    decider = At(desk.decider, stream_id, given(if_match))
    return replace(desk, decider=decider), decider


def tagged(answer: Json, decider: At) -> Json:
    """The answer with the ETag of what was just changed."""
    if decider.revision is not None:
        answer.headers["etag"] = etag(decider.revision)
    return answer
