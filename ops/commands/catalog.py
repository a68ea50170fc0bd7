"""`penguin catalog`: what is generated from the event registry, checked or written."""

from __future__ import annotations

from typing import Annotated

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def catalog(
    check: Annotated[bool, typer.Option(help="only look, which is the default")] = False,
    write: Annotated[bool, typer.Option(help="bring the files up to date")] = False,
    json: options.AsJson = False,
) -> int:
    """Exit 0 when every file agrees with the registry, 1 when some do not; they are named."""
    from ops import catalog as generator
    from ops.errors import Usage

    if check and write:
        raise Usage("--check and --write exclude each other: choose one")
    written = generator.write() if write else []
    found = generator.problems()
    if json:
        options.print_json({"ok": not found, "written": written, "problems": found})
    else:
        lines = [*(f"written: {path}" for path in written), *found]
        print("\n".join(lines) or "all is as it must be")
    return 1 if found else 0
