"""`penguin ambiguous`: sends of which nobody knows whether they arrived; settling them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ops import options
from ops.where import find

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Campaign = Annotated[str, typer.Option(help="only this campaign's (its id)")]
Tenant = Annotated[str, typer.Option(help="only this tenant's (its id)")]


@app.command("list")
def list_(
    campaign: Campaign = "",
    tenant: Tenant = "",
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """All ambiguous sends, the first 1,000 by name. Exit 0, 3 no Postgres."""
    from ops import ambiguous

    where = find(options.folder(data))
    sends = asyncio.run(ambiguous.found(where, campaign=campaign, tenant=tenant))
    shown = [send.as_json() for send in sends[: ambiguous.LISTED_MAX]]
    if json:
        options.print_json({"ambiguous": len(sends), "sends": shown})
        return
    for send in shown:
        print(f"{send['send_id']}  {send['campaign_id']}  attempt {send['n']}")
    print(f"{len(sends)} ambiguous")


@app.command()
def resolve(
    evidence: Annotated[str, typer.Option(help="how you know; kept for ever, so no address")],
    send_ids: Annotated[list[str] | None, typer.Argument(help="sends, by id")] = None,
    answer: Annotated[str, typer.Option("--as", help="accepted or not_accepted")] = "accepted",
    file: Annotated[
        Path | None,
        typer.Option(
            "--from", help="a record of what was accepted (a sink's, a relay's log): by Message-ID"
        ),
    ] = None,
    complete: Annotated[
        bool,
        typer.Option("--complete", help="the record is complete: what it lacks was not accepted"),
    ] = False,
    campaign: Campaign = "",
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Record that ambiguous sends were accepted or not: those named, or those in a record.

    An accepted one ends as accepted, another as rejected; neither is sent again. Ledger, counters
    and `penguin verify` follow the log. Exit 0 done, 2 nothing named, 3 no such ambiguous send, no
    file, Kafka or Postgres.
    """
    from ops import ambiguous
    from ops.errors import Usage

    if bool(send_ids) == bool(file) or (complete and not file):
        raise Usage("name sends by id, or a record with --from (and --complete), not both")
    where = find(options.folder(data))

    if file:
        work = ambiguous.by_record(where, file, evidence, campaign=campaign, complete=complete)
    else:
        work = ambiguous.by_name(where, send_ids or (), answer, evidence)
    found = asyncio.run(work)
    if json:
        options.print_json(found)
    else:
        for name, value in found.items():
            print(f"{name:<13} {value}")
    return 0
