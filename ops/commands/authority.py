"""`penguin authority`: which stack may send; take that over after a restore or a move."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ops import options
from ops.where import find

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

UNKNOWABLE = (
    "What another stack sent after this one was copied or restored is not in this log: it would be"
    " sent again. Take over only when the other one is stopped for good; sends that are open here"
    " can be settled first by its records: `penguin ambiguous resolve --help`."
)


@app.command()
def show(data: options.Data = options.DATA, json: options.AsJson = False) -> int:
    """Who holds it, since when and why; whether mail leaves here.

    Exit 0 this stack holds it, 1 another one or nobody does, 3 no Postgres.
    """
    from ops import authority

    found = authority.shown(find(options.folder(data)))
    _print(found, as_json=json)
    return 0 if found["holds"] else 1


@app.command()
def take(
    reason: Annotated[str, typer.Option(help="why this stack is to send now; kept for ever")],
    anew: Annotated[
        bool,
        typer.Option("--anew", help="a new epoch although this stack holds it: after a restore"),
    ] = False,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Let this stack send, and no other. Repeating it changes nothing, except with --anew.

    Exit 0 it holds it now, 2 a bad reason or no stack id, 3 no relay, schedule or Postgres.
    """
    from ops import authority

    found = authority.take(find(options.folder(data)), reason, anew=anew)
    _print(found, as_json=json)
    if found["taken"] and found["former"] not in ("", found["stack_id"]):
        typer.echo(UNKNOWABLE, err=True)
    return 0


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        options.print_json(found)
        return
    for name, value in found.items():
        print(f"{name:<13} {value}")
