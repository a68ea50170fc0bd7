"""`penguin events`: the log as lines, oldest first."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops import options
from ops.event_lines import Asked
from ops.where import Where, find

if TYPE_CHECKING:
    from ops.log_tail import LogTail

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def events(
    topic: Annotated[str, typer.Option(help="only this topic, e.g. pm.attempts")] = "",
    type_: Annotated[
        str, typer.Option("--type", help="only this event type, in any case; or undecodable")
    ] = "",
    tenant: Annotated[str, typer.Option(help="only this tenant (its id)")] = "",
    follow: Annotated[bool, typer.Option("--follow", help="go on with what comes")] = False,
    limit: Annotated[int, typer.Option(min=0, help="stop after so many lines; 0: never")] = 0,
    data: options.Data = options.DATA,
    json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """Print the log's events in the order in which Kafka took them; stop at its end.

    Without --topic the dead-letter topics are left out: what they hold stands in the log already.
    Exit 2 for an unknown topic or type, 3 without Kafka.
    """
    asked = Asked.of(topic, type_, tenant)
    where = find(options.folder(data), log_only=True)
    try:
        asyncio.run(_print(where, asked, follow=follow, limit=limit, json=json))
    except BrokenPipeError:  # the reader had enough; nothing may be flushed to it at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _print(where: Where, asked: Asked, *, follow: bool, limit: int, json: bool) -> None:
    from ops import event_lines, log_tail

    left = limit or sys.maxsize
    async with log_tail.opened(where.bootstrap, where.prefix, asked.topics) as tail:
        async for record in _records(tail, follow=follow):
            line = event_lines.line_of(tail.bare(record.topic), record, asked)
            if line is not None:
                print(event_lines.as_json(line) if json else event_lines.told(line), flush=follow)
                left -= 1
            if left <= 0:
                return


async def _records(tail: LogTail, *, follow: bool) -> AsyncIterator[Any]:
    ends = await tail.ends()
    async for record in tail.in_order(ends):
        yield record
    if follow:
        sys.stdout.flush()
        async for records in tail.forever():
            for record in records:
                yield record
