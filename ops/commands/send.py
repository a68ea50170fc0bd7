"""`penguin send`: a CSV and a template become a campaign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def send(  # noqa: PLR0913, PLR0917 - the options are the command's contract
    csv: Annotated[Path, typer.Option(help="leads: any usual encoding and delimiter")],
    template: Annotated[Path, typer.Option(help="HTML or .mjml with subject: in front matter")],
    sender: Annotated[str, typer.Option("--from", help="news@example.com or 'Name <news@…>'")],
    relay: Annotated[str, typer.Option(help="smtp://host:port to send through")] = "",
    cap: Annotated[int | None, typer.Option(help="at most so many a day to each provider")] = None,
    sign: Annotated[str, typer.Option(help="DKIM: none, ed25519, rsa or both")] = "rsa",
    name: Annotated[str, typer.Option(help="what the campaign is called")] = "",
    wait: Annotated[bool, typer.Option(help="show progress until every send has its end")] = False,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Import leads, publish the template, launch a campaign.

    With --wait it returns when the campaign is finished, or when what is open is held for long (a
    cap until tomorrow): `open` and `held` say so.
    """
    from ops.launching import sending

    order = sending.Order(
        csv=csv, template=template, sender=sender, relay=relay, cap=cap, sign=sign, name=name
    )
    found = sending.send(options.folder(data), order, wait=wait)
    if json:
        options.print_json(found)
    else:
        print(sending.told(found))
    return 0
