"""`penguin verify`: the proof from the log alone, without Postgres."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ops import options
from ops.where import find

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def verify(
    campaign: Annotated[str, typer.Option(help="only this campaign (its id)")] = "",
    tenant: Annotated[str, typer.Option(help="only this tenant's campaigns (its id)")] = "",
    against_sink: Annotated[
        Path | None,
        typer.Option(help="also compare with what was received: a line a message, as the sink's"),
    ] = None,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Prove from Kafka alone that every requested send has exactly one end or is named as open.

    Also: none accepted twice, none attempted without the log's knowledge, no cap exceeded.
    Kafka must run; Postgres need not. Exit 0 it holds, 1 it does not, 3 no Kafka.
    """
    from ops.verify.run import run

    where = find(options.folder(data), log_only=True)
    report = asyncio.run(run(where, campaign=campaign, tenant=tenant, sink=against_sink))
    if json:
        options.print_json(report.as_json())
    else:
        from ops.verify.told import tell

        tell(report)
    return 0 if report.ok else 1
