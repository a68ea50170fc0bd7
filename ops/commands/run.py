"""`penguin run ROLE`: one role in the foreground, until SIGTERM."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def run(
    role: Annotated[str, typer.Argument(help="a role of `penguin status`, or migrate")],
) -> None:
    """Run one role here. Settings come from the environment (PM_…)."""
    from ops import roles

    roles.run(role)
