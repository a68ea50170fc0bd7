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
    from ops.warming import check_words, numbers

    check_words(reason, provider)
    chosen = Warmup(plan, numbers(curve), target)

    def act(desk: Any) -> dict[str, Any]:
        decided = sending_ips.choose_plan(desk, ip, provider, chosen, reason, force=force)
        told = {"tenant_id": desk.tenant_id, "ip": ip, "provider": provider, "plan": plan}
        told |= {"curve": list(chosen.curve), "target": target, "changed": bool(decided.events)}
        return told | {"position": decided.position}

    _do(act, ip, data, as_json=json)


@app.command()
def order(  # noqa: PLR0913, PLR0917 - the options are the command's contract
    action: Annotated[str, typer.Argument(metavar="ACTION", help="stop, resume, quota or warm")],
    scope: Annotated[
        str, typer.Argument(metavar="SCOPE", help="cell, domain, ip, tenant or campaign")
    ],
    reason: Reason,
    scope_id: Annotated[
        str, typer.Argument(metavar="ID", help="of a cell: the IP's; of a tenant: leave it out")
    ] = "",
    provider: Annotated[str, typer.Option(help="mailbox provider, of a cell or domain")] = "",
    quota: Annotated[int, typer.Option(help="messages a day, with quota, or warm of a cell")] = 0,
    tenant: Annotated[
        str, typer.Option(help="its id or name, for the scopes tenant and domain")
    ] = "",
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """Order volume control to stop or resume a scope, or set its quota; as the platform's staff."""
    from api.commands import volume_orders
    from domain.governor.orders import Order, Target
    from ops import tenant_desks, warming
    from ops.where import find

    warming.check_words(reason, provider)
    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        desk = warming.desk_for(desks, scope, scope_id, tenant)
        own_id = scope_id or (desk.tenant_id if scope == "tenant" else "")
        target = Target(desk.tenant_id, scope, own_id, provider)
        decided = volume_orders.give(desk, target, Order(action, reason, quota, by_staff=True))
    told: dict[str, Any] = {"tenant_id": desk.tenant_id, "scope": scope, "scope_id": own_id}
    told |= {"provider": provider, "action": action, "quota": quota}
    told["changed"] = bool(decided.events)
    _show(told | {"position": decided.position}, as_json=json)


def _do(act: Callable[[Any], dict[str, Any]], ip: str, data: Path, *, as_json: bool) -> None:
    from ops import tenant_desks
    from ops.warming import desk_of
    from ops.where import find

    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        told = act(desk_of(desks, ip))
    _show(told, as_json=as_json)


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        options.print_json(told)
        return
    for name, value in told.items():
        print(f"{name:<10} {value}")
