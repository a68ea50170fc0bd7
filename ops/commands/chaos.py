"""`penguin chaos`: a plan of faults against a running test stack, and what became of every send."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from ops import options
from ops.errors import Usage

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def chaos(
    plan: Annotated[
        str, typer.Option(help="a plan's file (TOML), or the name of one of --list")
    ] = "",
    seed: Annotated[
        int | None, typer.Option(help="which faults come when; none: drawn, and printed")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="the plans that come along")] = False,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Harm a running test stack by plan, then prove that nothing was lost and nothing sent twice.

    A test stack runs its own servers, mails nobody but the stand-ins, and holds no tenant but
    those that `send`, `demo` and `chaos` make by themselves. Any other is refused, untouched.

    Exit 0 everything holds, 1 it does not, 2 refused or a plan that is none, 3 no stack runs.
    """
    from ops.chaos import plan as plans

    if list_:
        return _list(as_json=json)
    if not plan:
        raise Usage("--plan is missing: name a plan's file, or one of `penguin chaos --list`")
    from ops.chaos.run import require_data, run
    from ops.where import find

    wanted = plans.find(plan)
    folder = options.folder(data)
    require_data(folder)
    drawn = random.SystemRandom().randrange(2**31) if seed is None else seed
    found = asyncio.run(_until_stopped(run(find(folder), wanted, drawn, _tell)))
    options.print_json(found) if json else _print(found)
    return 0 if found["ok"] else 1


async def _until_stopped(work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """SIGTERM ends it as Ctrl-C does: what lasts is undone first, nothing stays frozen."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _list(*, as_json: bool) -> int:
    from ops.chaos import plan as plans

    found = plans.names()
    if as_json:
        options.print_json({"plans": [{"name": n, "about": text} for n, text in found.items()]})
        return 0
    for name, about in found.items():
        print(f"{name:<20} {about}")
    return 0


def _print(found: dict[str, Any]) -> None:
    faults = ", ".join(f"{count} x {name}" for name, count in found["faults"].items())
    lines = {
        "plan": f"{found['plan']}, seed {found['seed']}",
        "faults": faults or "none",
        "sends": f"{found['requested']:,} requested, {found['accepted']:,} accepted, "
        f"{found['rejected']:,} rejected, {found['other_ends']:,} ended otherwise",
        "ambiguous": f"{found['ambiguous']:,} of at most {found['in_flight_max']:,} in flight; "
        f"{found['ambiguous_received']:,} were received",
        "lost": str(found["lost"]),
        "twice": str(found["duplicates"]),
        "resumed": f"{found['resumed_max_s']} s at most from a fault to the next arrival",
    }
    for name, text in lines.items():
        print(f"{name:<10} {text}")
    for problem in (*found["problems"], *found["faults_not_done"]):
        print(f"!          {problem}")
    print("holds" if found["ok"] else "DOES NOT HOLD")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
