"""Send authority as an operator sees it: who holds it, whether this stack does, taking it over."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg.rows import class_row

from adapters import postgres, stack_identity
from adapters.event_store import EventStore
from adapters.settings import Settings
from domain import authority
from domain.platform import PLATFORM
from domain.ports import ConcurrentAppend, Decided, StoreUnavailable
from ops.errors import Expected, Missing, Usage
from ops.launching.desk import ACTOR, Patient
from ops.stack.stack import stack_file
from ops.where import Where

SQL = postgres.named_sql(Path(__file__).with_suffix(".sql"))
CONNECT_TIMEOUT_S = 5
FIRST_START_PATIENCE_S = 120.0
RELAY_PATIENCE_S = 20.0
TOLD_WITHIN_S, POLL_S = 30.0, 0.1
TRIED_AGAIN_AFTER_S = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Standing:
    """Who may send, and whether anything leaves here. The field names are the query's."""

    epoch: int
    holder: str
    log_id: str
    taken_at: str
    gate_open: bool
    gate_reason: str
    open_started: int  # sends started without an outcome
    open_waiting: int  # sends that wait


def own_id(where: Where, environment: Mapping[str, str] = os.environ) -> str:
    """The id of the stack of this folder. Raises Usage where nothing says which one that is."""
    given = environment.get("PM_STACK_ID", "")
    folder = where.data_dir
    if not (given or stack_file(folder).exists() or (folder / stack_identity.FILE).exists()):
        raise Usage(
            "PM_STACK_ID is not set, and there is no stack in this folder: set it to the id that"
            " the stack's processes have, or name their data folder with --data"
        )
    return stack_identity.stack_id(folder, given)


def standing(where: Where) -> Standing:
    """As the rows say it that release and claim look at."""
    with (
        psycopg.connect(where.dsn, connect_timeout=CONNECT_TIMEOUT_S) as conn,
        conn.cursor(row_factory=class_row(Standing)) as cursor,
    ):
        found = cursor.execute(SQL["standing"]).fetchone()
    if found is None:
        raise Missing("there is no gate row: `penguin up` makes it")
    return found


def shown(where: Where) -> dict[str, Any]:
    """What `penguin authority show` prints."""
    own, found = own_id(where), standing(where)
    return {
        "holds": found.holder == own,
        "stack_id": own,
        "copy_of": stack_identity.copied_from(where.data_dir),
        "reason": _state(where).reason,
        **asdict(found),
    }


def take(where: Where, reason: str, *, anew: bool) -> dict[str, Any]:
    """Take authority over for this stack, and wait until the schedule knows it.

    Raises Invalid; Missing while relay or schedule do not work.
    """
    own, before = own_id(where), standing(where)
    decide = partial(
        authority.take, stack_id=own, log_id=_log_id(where.dsn), reason=reason, anew=anew
    )
    decided = _decide(where.dsn, decide, RELAY_PATIENCE_S)
    state = _state(where)
    _told(where, state.epoch)
    return {
        "taken": bool(decided.events),
        "epoch": state.epoch,
        "stack_id": own,
        "former": before.holder,
        "log_id": state.log_id,
        "reason": state.reason,
        "open_started": before.open_started,
        "open_waiting": before.open_waiting,
    }


def first_start(settings: Settings) -> None:
    """Take authority for a stack whose log knows of none yet; else nothing.

    For a thread of its own: tries until the store answers.
    """
    while True:
        try:
            log_id = _log_id(settings.database_url)
            decide = partial(authority.take_first, stack_id=settings.stack_id, log_id=log_id)
            decided = _decide(settings.database_url, decide, FIRST_START_PATIENCE_S)
        except (Expected, psycopg.Error, StoreUnavailable, ConcurrentAppend) as error:
            log.warning("authority_not_looked_at", reason=str(error))
            time.sleep(TRIED_AGAIN_AFTER_S)
            continue
        if decided.events:
            log.info("authority_taken", stack_id=settings.stack_id, epoch=1)
        return


def _decide(dsn: str, decide: Any, patience_s: float) -> Decided:
    """A store that was restored is not decided on until it was compared (design-fixes.md 6)."""
    with EventStore(dsn, "pm_api", needs_relay=True) as store:
        return Patient(store, patience_s).transact(
            authority.stream(),
            authority.initial,
            authority.evolve,
            decide,
            tenant_id=PLATFORM,
            actor=ACTOR,
        )


def _state(where: Where) -> authority.State:
    seen: list[authority.State] = []

    def look(state: authority.State) -> tuple[()]:
        seen.append(state)
        return ()

    _decide(where.dsn, look, RELAY_PATIENCE_S)
    return seen[-1]


def _log_id(dsn: str, patience_s: float = RELAY_PATIENCE_S) -> str:
    """The log that the relay found to agree with this database."""
    until = time.monotonic() + patience_s
    while True:
        with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S) as conn:
            row = conn.execute(SQL["compared_log"]).fetchone()
        if row:
            return str(row[0])
        if time.monotonic() >= until:
            raise Missing(
                "the relay has not compared event store and log: `penguin status`, and its log"
            )
        time.sleep(POLL_S)


def _told(where: Where, epoch: int) -> None:
    until = time.monotonic() + TOLD_WITHIN_S
    while standing(where).epoch < epoch:
        if time.monotonic() >= until:
            raise Missing(
                f"epoch {epoch} is decided, but the schedule has not read it yet; nothing leaves"
                " until then: `penguin status`, and the schedule's log"
            )
        time.sleep(POLL_S)
