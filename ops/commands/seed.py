"""`penguin seed`: tenants, leads and finished campaigns, as if they had been."""

from __future__ import annotations

from typing import Annotated

import typer

from ops import options
from ops.where import find

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def seed(
    tenants: Annotated[int, typer.Option(help="how many tenants; the first ones are the biggest")],
    leads: Annotated[int, typer.Option(help="leads of all of them together")],
    sends: Annotated[int, typer.Option(help="sends of all of them together, over 90 days")],
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Fill a running stack through its own log, relay, schedule and read models. Nothing is mailed.

    Tenants are called seed-000001 and so on (`penguin keys create --tenant-name seed-000001`).
    Safe to repeat after it was broken off. Exit 0 once every read model shows it, 3 without stack.
    """
    from ops.seed import filling
    from ops.seed.shape import Shape

    shape = Shape(tenants, leads, sends)
    filled = filling.seed(find(options.folder(data)), shape)
    found = filling.as_json(filled)
    if json:
        options.print_json(found)
    else:
        print(
            f"{filled.sends:,} sends of {filled.campaigns:,} campaigns to {filled.leads:,} leads "
            f"of {filled.tenants:,} tenants in {filled.elapsed_s:,.0f} s; shown by every read model"
        )
    return 0
