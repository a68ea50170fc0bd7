"""`penguin tenants`: list or show them; suspend, restore, limit or move one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
PAGE = 500
Named = Annotated[str, typer.Argument(metavar="TENANT", help="its id or name")]


@app.command("list")
def list_(data: options.Data = options.DATA, json: options.AsJson = False) -> None:
    """All tenants, by id."""
    from ops import tenant_desks
    from ops.where import find

    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        rows = tenant_desks.every(desks, PAGE)
    if json:
        options.print_json({"tenants": rows})
        return
    for row in rows:
        print(f"{row['tenant_id']}  {_state(row):<9}  {row['name']}")


@app.command()
def show(tenant: Named, data: options.Data = options.DATA, json: options.AsJson = False) -> None:
    """One tenant: name, time zone, whether it may send, how many people, keys and workspaces."""
    from api.commands import tenants

    _do(tenants.shown, tenant, data, as_json=json)


@app.command()
def suspend(
    tenant: Named,
    reason: Annotated[str, typer.Option(help="abuse, unpaid, security, asked")] = "asked",
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """Stop everything that the tenant sends, until it is restored."""
    from api.commands import tenants

    def act(desk: Any) -> dict[str, Any]:
        position = tenants.suspend(desk, reason=reason).position
        return {"tenant_id": desk.tenant_id, "state": "suspended", "position": position}

    _do(act, tenant, data, as_json=json)


@app.command()
def restore(tenant: Named, data: options.Data = options.DATA, json: options.AsJson = False) -> None:
    """Let the tenant send again."""
    from api.commands import tenants

    def act(desk: Any) -> dict[str, Any]:
        position = tenants.restore(desk).position
        return {"tenant_id": desk.tenant_id, "state": "active", "position": position}

    _do(act, tenant, data, as_json=json)


@app.command()
def limit(
    tenant: Named,
    reason: Annotated[str, typer.Option(help="why; it stands in the log and names nobody")],
    daily_limit: Annotated[
        int | None, typer.Option(help="messages that may leave on a UTC day, of all its campaigns")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="lift it: as many as come")] = False,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """Limit how many messages of the tenant leave on a UTC day: --daily-limit N, or --none.

    What is over it waits for the next day; what left today counts already. Every attempt counts,
    retries too. It binds beside the limits of campaigns, mailboxes and IPs: the least of all.
    """
    from api.commands import tenants
    from domain.refusals import Invalid
    from ops.warming import check_words

    if none is (daily_limit is not None):
        raise Invalid("daily_limit: give either --daily-limit N or --none")
    check_words(reason)

    def act(desk: Any) -> dict[str, Any]:
        done = tenants.set_daily_limit(desk, daily_limit=daily_limit, reason=reason.strip())
        told = {"tenant_id": desk.tenant_id, "daily_limit": daily_limit}
        return told | {"position": done.position}

    _do(act, tenant, data, as_json=json)


@app.command()
def move(  # noqa: PLR0913, PLR0917 - the options are the command's contract
    tenant: Named,
    reason: Annotated[str, typer.Option(help="why; it stands in the log and names nobody")],
    to_ips: Annotated[str, typer.Option(help="ids of the new sending IPs: ip_a,ip_b")] = "",
    pool: Annotated[str, typer.Option(help="or a pool, whose IPs are the new ones")] = "",
    from_ips: Annotated[str, typer.Option(help="the old ones; left out, all others in use")] = "",
    plan: Annotated[
        str, typer.Option(help="of new IPs without one: conservative, standard or fast")
    ] = "standard",
    acknowledge: Annotated[
        bool, typer.Option("--acknowledge", help="that its own lists are why its mail is held")
    ] = False,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """Move a tenant's mail to clean infrastructure.

    The old IPs are quarantined; domains and campaigns that had them have the new ones, which warm
    up by a plan. What is started ends where it is. Broken off, it is repeated with the same words.
    Exit 1 where the tenant's own lists are why it is held, until that is acknowledged.
    """
    from api.commands import ip_moves
    from ops.warming import check_words, ids

    check_words(reason)
    wanted = ip_moves.Move(
        reason=reason,
        to_ips=ids(to_ips),
        pool_id=pool,
        from_ips=ids(from_ips),
        plan=plan,
        acknowledged=acknowledge,
    )
    _do(lambda desk: ip_moves.move(desk, wanted), tenant, data, as_json=json)


def _do(act: Callable[[Any], dict[str, Any]], tenant: str, data: Any, *, as_json: bool) -> None:
    from ops import tenant_desks
    from ops.where import find

    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        told = act(tenant_desks.found(desks, tenant))
    if as_json:
        options.print_json(told)
        return
    for name, value in told.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        print(f"{name:<12} {shown}")


def _state(row: dict[str, Any]) -> str:
    return "active" if row["may_send"] else "suspended"
