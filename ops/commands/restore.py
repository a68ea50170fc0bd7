"""`penguin restore`: give a restored Postgres the decisions back that the log still has."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from ops import options
from ops.where import find

app = typer.Typer(add_completion=False, rich_markup_mode=None)

LOST = (
    "Not in the log, so as old as the backup: addresses, merge values and templates (vault), names"
    " that were reserved, remembered answers to Idempotency-Keys. Sends whose recipient is gone end"
    " as cancelled."
)


@app.command()
def restore(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what is missing")] = False,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Copy decisions that the log holds and the event store lacks back into the store.

    For a Postgres that was restored to an older state than Kafka: until then the relay refuses, and
    so does whoever decides. Nothing is sent by it; schedule and read models catch up by themselves.
    Exit 0 nothing is missing now, 1 both went different ways, or --dry-run found something, 3 no
    Kafka or Postgres.
    """
    from ops import restoring

    found = asyncio.run(restoring.restore(find(options.folder(data)), dry_run=dry_run))
    if json:
        options.print_json(asdict(found))
    else:
        for name, value in asdict(found).items():
            print(f"{name:<9} {value}")
    if found.copied:
        typer.echo(LOST, err=True)
    return 0 if found.missing == found.copied else 1
