"""`penguin warmup`: the plan by which a sending IP warms up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="why; it stands in the log for ever and names nobody")]


@app.callback()
def warmup() -> None:
    """What people decide about volume control."""


@app.command()
def plan(  # noqa: PLR0913, PLR0917 - the options are the command's contract
    ip: Annotated[str, typer.Argument(metavar="IP", help="its id, ip_…")],
    plan: Annotated[str, typer.Option(help="none, conservative, standard, fast or custom")],
    reason: Reason,
    provider: Annotated[str, typer.Option(help="* is each one without a plan of its own")] = "*",
    curve: Annotated[
        str, typer.Option(help="of plan custom: messages a day, as 50,100,200 or a file of them")
    ] = "",
    target: Annotated[
        int, typer.Option(help="messages a day it shall carry to each provider; 0: not told")
    ] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="also where a relay hides what providers answer")
    ] = False,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """Let volume control decide how much leaves from an IP, by a plan; `none` ends that."""
    from api.commands import sending_ips
    from domain.sending_ip import Warmup
    from ops.warming import numbers

    chosen = Warmup(plan, numbers(curve), target)

    def act(desk: Any) -> dict[str, Any]:
        decided = sending_ips.choose_plan(desk, ip, provider, chosen, reason, force=force)
        told = {"tenant_id": desk.tenant_id, "ip": ip, "provider": provider, "plan": plan}
        told |= {"curve": list(chosen.curve), "target": target, "changed": bool(decided.events)}
        return told | {"position": decided.position}

    _do(act, ip, data, as_json=json)


def _do(act: Callable[[Any], dict[str, Any]], ip: str, data: Path, *, as_json: bool) -> None:
    from ops import tenant_desks
    from ops.warming import desk_of
    from ops.where import find

    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        told = act(desk_of(desks, ip))
    if as_json:
        options.print_json(told)
        return
    for name, value in told.items():
        print(f"{name:<10} {value}")
