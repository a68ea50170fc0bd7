"""`penguin down`: everything drained and stopped."""

from __future__ import annotations

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def down(data: options.Data = options.DATA, json: options.AsJson = False) -> None:
    """Drain and stop whatever runs of the stack; its data stays. Nothing running: done already."""
    from ops import control

    folder = options.folder(data)
    control.down(folder)
    if json:
        options.print_json({"stopped": True, "data": str(folder)})
