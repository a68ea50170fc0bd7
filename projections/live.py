"""The role `projections`: keeps the active version of every read model up with the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from domain.ports import DeadLetters
from projections.fold import Connection, Fold
from projections.models import MODELS, ReadModel, active_version
from projections.runner import Reader
from projections.session import Place


def reader(model: ReadModel, place: Place, letters: DeadLetters | None) -> Reader:
    """The reader of a model's active version; after a swap it goes on with the new one."""

    async def active(conn: Connection) -> Fold:
        return model.fold(await active_version(conn, model.name))

    return Reader(model.name, active, place, letters)


async def run(
    place: Place,
    letters: DeadLetters,
    stop: asyncio.Event,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Run all read models until `stop`; `ready` is called once each of them reads or stands by.

    Raises as Reader.run does; then none of them runs on.
    """
    waiting = set(MODELS)

    def noting(name: str) -> Callable[[], None]:
        def note() -> None:
            if name in waiting:
                waiting.remove(name)
                if not waiting:
                    ready()

        return note

    try:
        async with asyncio.TaskGroup() as group:
            for name, model in MODELS.items():
                found = reader(model, place, letters)
                group.create_task(found.run(stop, noting(name)), name=name)
    except ExceptionGroup as several:  # one of them says enough, in its own words
        raise several.exceptions[0] from several
