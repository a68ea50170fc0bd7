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
        typer.Option(
            help="also compare send by send with what was received: a line a message, with time,"
            " recipient and Message-ID, as JSON or in fields"
        ),
    ] = None,
    against_stores: Annotated[
        bool,
        typer.Option(
            "--against-stores",
            help="also compare event store and log, and each read model with its rebuild; needs"
            " Postgres",
        ),
    ] = False,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Prove from Kafka alone that every requested send has exactly one end or is named as open.

    Also: none accepted twice, none attempted without the log's knowledge, no cap exceeded.
    Kafka must run; Postgres need not, but for --against-stores. Exit 0 it holds, 1 it does not,
    2 no such campaign or no readable file, 3 no Kafka, file or Postgres that was asked for.
    """
    from ops.verify.run import run

    where = find(options.folder(data), log_only=not against_stores)
    proof = run(where, campaign=campaign, tenant=tenant, sink=against_sink, stores=against_stores)
    report = asyncio.run(proof)
    if json:
        options.print_json(report.as_json())
    else:
        from ops.verify.told import tell

        tell(report)
    return 0 if report.ok else 1
