"""`penguin demo`: the main job, from nothing to the proof."""

from __future__ import annotations

from typing import Annotated

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def demo(
    recipients: Annotated[
        int | None, typer.Option(min=1, help="make so many leads instead of examples/leads.csv")
    ] = None,
    seed: Annotated[int, typer.Option(help="of the leads that are made")] = 1,
    leave: Annotated[bool, typer.Option("--exit", help="stop the stack after the proof")] = False,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Start the stack, import leads, send a campaign to its end, prove it.

    Repeating resumes: a campaign that runs is watched on, one that is finished is proven again.
    Without --exit it stays up until Ctrl-C.
    """
    from ops.demo import story

    found = story.tell(options.folder(data), recipients, seed)
    if json:
        options.print_json(found)
    else:
        print(story.told(found), flush=True)
    story.stay_or_leave(options.folder(data), leave=leave)
    return 0 if found["verified"] else 1
