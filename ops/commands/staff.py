"""`penguin staff`: people of the platform, apart from the people of tenants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
LIST_MAX = 10_000


@app.command()
def add(
    name: Annotated[str, typer.Option(help="what people call them")],
    role: Annotated[str, typer.Option(help="what they may do in any tenant")],
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> None:
    """Take somebody on and show their token, once."""
    from api.commands import staff
    from domain.access import PERMISSIONS, PLATFORM_PERMISSIONS, STAFF_ROLES
    from ops import tenant_desks
    from ops.errors import Usage
    from ops.where import find

    if role not in STAFF_ROLES:
        raise Usage(f"--role: there is no role {role!r}; choose one of {', '.join(STAFF_ROLES)}")
    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        desk = tenant_desks.platform(desks)
        by = PERMISSIONS | PLATFORM_PERMISSIONS
        made = staff.add(desk, name=name, role=role, by=by, now=datetime.now(UTC))
    _show({"staff_id": made.key_id, "token": made.text, "role": role}, as_json=json)


@app.command("list")
def list_(data: options.Data = options.DATA, json: options.AsJson = False) -> None:
    """All staff, also who was removed."""
    from api.commands import staff
    from ops import tenant_desks
    from ops.where import find

    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        rows = staff.page(tenant_desks.platform(desks), limit=LIST_MAX)
    if json:
        options.print_json({"staff": rows})
        return
    for row in rows:
        print(f"{row['staff_id']}  {row['role'] if row['active'] else 'removed'}  {row['name']}")


@app.command()
def remove(staff_id: str, data: options.Data = options.DATA, json: options.AsJson = False) -> None:
    """Let somebody go: the next request with their token is refused."""
    from api.commands import staff
    from domain.access import PERMISSIONS, PLATFORM_PERMISSIONS
    from ops import tenant_desks
    from ops.where import find

    with tenant_desks.open_desks(find(options.folder(data))) as desks:
        desk = tenant_desks.platform(desks)
        position = staff.remove(desk, staff_id, by=PERMISSIONS | PLATFORM_PERMISSIONS)
    _show({"staff_id": staff_id, "state": "removed", "position": position}, as_json=json)


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        options.print_json(told)
        return
    for name, value in told.items():
        print(f"{name:<9} {value}")
