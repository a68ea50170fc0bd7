"""`penguin volume`: volume control's states as the log tells them."""

from __future__ import annotations

import asyncio
from typing import Any

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def volume() -> None:
    """Volume control's states, folded from the log."""


@app.command()
def verify(data: options.Data = options.DATA, json: options.AsJson = False) -> int:
    """Replay the log and compare each tenant's state with its row, byte for byte.

    The role `volume` may go on meanwhile. Exit 0 they are equal, 1 some differ, 3 no Kafka or no
    Postgres.
    """
    from ops.volume_rebuild import compare
    from ops.where import find

    found: dict[str, Any] = asyncio.run(compare(find(options.folder(data))))
    if json:
        options.print_json(found)
    else:
        print(f"{found['tenants']} tenants, {found['turns']} turns, rules {found['rules']}")
        for tenant_id in found["differ"]:
            print(f"differs: {tenant_id}; `penguin volume rebuild` folds the log anew")
    return 0 if found["ok"] else 1


@app.command()
def rebuild(data: options.Data = options.DATA, json: options.AsJson = False) -> int:
    """Fold the log anew and put that in place of the rows: after a restore, or for new rules.

    Where new rules come to other limits than were told, decisions with the rule `rules_changed`
    say so. Exit 1, and nothing is changed, while the role `volume` takes turns meanwhile. Repeating
    it changes nothing.
    """
    from ops.volume_rebuild import rebuild as again
    from ops.where import find

    found = asyncio.run(again(find(options.folder(data))))
    if json:
        options.print_json(found)
    else:
        print(
            f"{found['tenants']} tenants folded anew over {found['turns']} turns,"
            f" {found['corrections']} decisions corrected"
        )
    return 0
