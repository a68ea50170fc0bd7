"""`penguin keys`: API keys of a tenant; create makes the tenant too if it is new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

LIST_MAX = 10_000
Tenant = Annotated[str, typer.Option("--tenant", help="the tenant's id or name")]


@app.command()
def create(  # noqa: PLR0913, PLR0917 - the options are the command's contract
    tenant_name: Annotated[str, typer.Option(help="of the tenant; it is made if it is new")] = "",
    tenant: Annotated[str, typer.Option(help="id or name of a tenant that there is")] = "",
    role: Annotated[str, typer.Option(help="what the key may do; default: owner")] = "",
    scope: Annotated[list[str] | None, typer.Option(help="instead of a role; repeat it")] = None,
    expires_in: Annotated[int, typer.Option(help="days; 0: it does not expire")] = 0,
    name: Annotated[str, typer.Option(help="what people call the key")] = "made by penguin keys",
    test: Annotated[bool, typer.Option("--test", help="pm_test_: looks, changes nothing")] = False,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """Make a key and show it, once: only its hash is kept."""
    from api.commands import keys
    from domain.access import PERMISSIONS
    from domain.api_key import Grant
    from domain.membership import Granter
    from ops import tenant_desks
    from ops.where import find

    wanted = _wanted(role, tuple(scope or ()), expires_in, test=test)
    _require_one(tenant_name, tenant)
    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        chosen = tenant_desks.found(desks, tenant) if tenant else None
        desk = chosen or tenant_desks.ensured(desks, tenant_name)
        grant: Grant = wanted
        made = keys.create(desk, grant, name=name, by=Granter(PERMISSIONS), now=datetime.now(UTC))
    told = {
        "tenant_id": desk.tenant_id,
        "key": made.text,
        "key_id": made.key_id,
        "role": wanted.role,
        "scopes": list(wanted.scopes),
        "expires_at": wanted.expires_at,
        "position": made.position,
    }
    _show(told, as_json=json)


@app.command("list")
def list_(tenant: Tenant, data: options.Data = options.DATA, json: options.AsJson = False) -> None:
    """The tenant's keys, the newest first; no secret is among them."""
    from api.commands import keys
    from ops import tenant_desks
    from ops.where import find

    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        desk = tenant_desks.found(desks, tenant)
        rows = keys.page(desk, after="", limit=LIST_MAX)
    if json:
        options.print_json({"tenant_id": desk.tenant_id, "keys": rows})
        return
    for row in rows:
        state = "revoked" if row["revoked_at"] else "living"
        print(
            f"{row['key_id']}  {state:<7}  {row['role'] or ','.join(row['scopes'])}  {row['name']}"
        )


@app.command()
def revoke(
    key_id: str,
    tenant: Tenant,
    reason: Annotated[str, typer.Option(help="a code: leaked, unused, …")] = "unspecified",
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """End a key: the next request with it is refused."""
    from api.commands import keys
    from ops import tenant_desks
    from ops.where import find

    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        desk = tenant_desks.found(desks, tenant)
        position = keys.revoke(desk, key_id, reason=reason, now=datetime.now(UTC))
    told = {"tenant_id": desk.tenant_id, "key_id": key_id, "state": "revoked", "position": position}
    _show(told, as_json=json)


def _wanted(role: str, scopes: tuple[str, ...], days: int, *, test: bool) -> Any:
    """What the key shall do. Raises Usage, before anything is looked at, for what cannot be."""
    from domain.access import PERMISSIONS, ROLES
    from domain.api_key import EXPIRES_IN_DAYS_MAX, Grant
    from ops.errors import Usage

    if role and role not in ROLES:
        raise Usage(f"--role: there is no role {role!r}; choose one of {', '.join(ROLES)}")
    if unknown := sorted(set(scopes) - PERMISSIONS):
        known = ", ".join(sorted(PERMISSIONS))
        raise Usage(f"--scope: there is no scope {unknown[0]!r}; choose of {known}")
    if role and scopes:
        raise Usage("--scope: a key has scopes or a role; leave one out")
    if not 0 <= days <= EXPIRES_IN_DAYS_MAX:
        raise Usage(f"--expires-in: give days from 0 to {EXPIRES_IN_DAYS_MAX}")
    until = datetime.now(UTC) + timedelta(days=days) if days else None
    return Grant(role or ("" if scopes else "owner"), scopes, test=test, expires_at=until)


def _require_one(tenant_name: str, tenant: str) -> None:
    from ops.errors import Usage

    if bool(tenant_name.strip()) == bool(tenant):
        raise Usage("--tenant-name: name the tenant, or give --tenant with its id; one of both")


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        options.print_json(told)
        return
    for name, value in told.items():
        if value not in (None, [], ""):
            print(f"{name:<11} {value}")
