"""`penguin export-tenant`: a tenant's whole data as one documented file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def export_tenant(
    tenant: Annotated[str, typer.Option(help="its id or name")],
    out: Annotated[Path, typer.Option(help="the file to write, or a folder for it")],
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="its first line seals the secrets; without it they are left out"),
    ] = None,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Write all of a tenant's data into an archive (docs/tenant-archive.md).

    Best while nothing of the tenant is under way: then its checksums are exact.
    """
    import psycopg

    from ops.archiving import exporting, phrases
    from ops.where import find

    where = find(options.folder(data))
    phrase = phrases.read(passphrase_file)
    with psycopg.connect(where.dsn) as conn:
        tenant_id = exporting.tenant_named(conn, tenant)
    found = exporting.export(where, tenant_id, out.expanduser(), phrase).as_json()
    if json:
        options.print_json(found)
        return 0
    print(f"written    {found['path']}")
    for name, member in found["members"].items():
        print(f"{member['rows']:>12,}  {name}")
    if not found["exact"]:
        print("checksums  of a tenant that was at work: an import will differ from them")
    for name, count in found["secrets"]["enter_anew"].items():
        print(f"left out   {count:,} of {name}: enter them anew, or export with --passphrase-file")
    return 0
