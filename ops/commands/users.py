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
OneTenant = Annotated[str, typer.Option("--tenant", help="its id or name; or --everywhere")]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="the account, in every tenant")]
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
    user_id: Annotated[str, typer.Argument(metavar="USER", help="id; or address, --everywhere")],
    tenant: OneTenant = "",
    everywhere: Everywhere = False,
    reason: Reason = "operator",
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """Take a person's access to a tenant, at once; they keep their place.

    --everywhere: they cannot log in at all, and every session ends. Keys that they made stay and
    are listed: revoke those with `penguin keys revoke`.
    """
    _require_place(tenant, everywhere=everywhere)
    if everywhere:
        _everywhere("disable", user_id, reason, data, as_json=json)
    else:
        _turn("disable", user_id, tenant, reason, data, as_json=json)


@app.command()
def enable(
    user_id: Annotated[str, typer.Argument(metavar="USER", help="id; or address, --everywhere")],
    tenant: OneTenant = "",
    everywhere: Everywhere = False,
    reason: Reason = "operator",
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """Give a disabled person their access to a tenant back; --everywhere: let them log in again."""
    _require_place(tenant, everywhere=everywhere)
    if everywhere:
        _everywhere("enable", user_id, reason, data, as_json=json)
    else:
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


def _require_place(tenant: str, *, everywhere: bool) -> None:
    from ops.errors import Usage

    if bool(tenant) == everywhere:
        raise Usage("--tenant: name the tenant, or give --everywhere; one of both")


def _everywhere(deed: str, user: str, reason: str, data: Path, *, as_json: bool) -> None:
    from api.commands import accounts
    from domain.membership import REASONS
    from ops import tenant_desks
    from ops.errors import Usage
    from ops.launching.desk import ACTOR
    from ops.where import find

    if reason not in REASONS:
        raise Usage(f"--reason: give a code, one of {', '.join(REASONS)}")
    where = find(options.folder(data))
    with tenant_desks.open_desks(where) as desks:
        identity = tenant_desks.identity_at(desks, where)
        user_id = accounts.named(identity, user).user_id
        if deed == "disable":
            position = accounts.disable(identity, user_id, actor=ACTOR, reason=reason)
        else:
            position = accounts.enable(identity, user_id, actor=ACTOR, reason=reason)
        keys = accounts.keys_made(tenant_desks.platform(desks), user_id)
    told = {"user_id": user_id, "state": f"{deed}d", "everywhere": True, "keys": keys}
    if as_json:
        options.print_json(told | {"position": position})
        return
    _show({"user_id": user_id, "state": f"{deed}d everywhere"}, as_json=False)
    for key in keys:
        print(f"{'their key':<14} {key['key_id']} of {key['tenant_id']}: it goes on")


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        options.print_json(told)
        return
    for name, value in told.items():
        print(f"{name:<14} {value}")
