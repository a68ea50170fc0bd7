"""`penguin users`: invite, disable, enable or list the people of a tenant."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
LIST_MAX = 10_000
Tenant = Annotated[str, typer.Option("--tenant", help="the tenant's id or name")]
Reason = Annotated[str, typer.Option(help="a code: operator, left, security, …")]


@app.command()
def invite(
    address: Annotated[str, typer.Option("--address", "--email", help="where the link goes")],
    tenant: Tenant,
    role: Annotated[str, typer.Option(help="what the person may do")] = "member",
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """Mail somebody a link into the tenant; it serves once, for seven days."""
    from api.commands import invitations
    from api.commands.people import Place
    from domain.access import PERMISSIONS, ROLES
    from domain.membership import Granter
    from ops import tenant_desks
    from ops.errors import Usage
    from ops.where import find

    if role not in ROLES:
        raise Usage(f"--role: there is no role {role!r}; choose one of {', '.join(ROLES)}")
    where = find(options.folder(data))
    with tenant_desks.open_desks(where) as desks:
        desk = tenant_desks.found(desks, tenant)
        identity = tenant_desks.identity_at(desks, where)
        with redirect_stdout(sys.stderr):  # what is logged on the way is no result
            invitation_id, position = invitations.send(
                desk, identity, address, Place(role), by=Granter(PERMISSIONS)
            )
    told = {"tenant_id": desk.tenant_id, "invitation_id": invitation_id, "role": role}
    _show(told | {"position": position}, as_json=json)


@app.command()
def disable(
    user_id: str,
    tenant: Tenant,
    reason: Reason = "operator",
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """Take a person's access to the tenant, at once; they keep their place."""
    _turn("disable", user_id, tenant, reason, data, as_json=json)


@app.command()
def enable(
    user_id: str,
    tenant: Tenant,
    reason: Reason = "operator",
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """Give a disabled person their access back."""
    _turn("enable", user_id, tenant, reason, data, as_json=json)


@app.command("list")
def list_(tenant: Tenant, data: options.Data = options.DATA, json: options.AsJson = False) -> None:
    """The tenant's people."""
    from api.commands import people
    from ops import tenant_desks
    from ops.where import find

    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        desk = tenant_desks.found(desks, tenant)
        rows = people.page(desk, limit=LIST_MAX)
    if json:
        options.print_json({"tenant_id": desk.tenant_id, "users": rows})
        return
    for row in rows:
        print(f"{row['user_id']}  {row['role']:<8}  {row['state']:<8}  {row['address'] or ''}")


def _turn(deed: str, user_id: str, tenant: str, reason: str, data: Path, *, as_json: bool) -> None:
    from api.commands import people
    from domain.access import PERMISSIONS
    from domain.membership import Granter
    from ops import tenant_desks
    from ops.where import find

    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        desk = tenant_desks.found(desks, tenant)
        act = people.disable if deed == "disable" else people.enable
        position = act(desk, user_id, by=Granter(PERMISSIONS), reason=reason).position
    told = {"tenant_id": desk.tenant_id, "user_id": user_id, "state": f"{deed}d"}
    _show(told | {"position": position}, as_json=as_json)


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        options.print_json(told)
        return
    for name, value in told.items():
        print(f"{name:<14} {value}")
