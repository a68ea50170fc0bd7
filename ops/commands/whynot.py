"""`penguin whynot`: why a campaign, a sending IP or a send does not send."""

from __future__ import annotations

from typing import Annotated

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.command()
def whynot(
    thing: Annotated[
        str, typer.Argument(metavar="CAMPAIGN|IP|SEND", help="its id: cmp_…, ip_… or snd_…")
    ],
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Tell the limit that binds, its rule and evidence, when it lifts, and what else may bind.

    Exit 0 whether or not something binds, 2 for an id that nothing has, 3 without a stack.
    """
    from ops import whynot as asking
    from ops.where import find

    found = asking.ask(find(options.folder(data)), thing)
    print(asking.as_line(found) if json else asking.told(found), flush=True)
    return 0
