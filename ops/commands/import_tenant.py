"""`penguin import-tenant`: an archive of `penguin export-tenant` into this installation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ops import options
from ops.errors import DoesNotHold

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def import_tenant(
    file: Annotated[Path, typer.Argument(help="what export-tenant wrote")],
    passphrase_file: Annotated[
        Path | None, typer.Option(help="what the secrets were exported with")
    ] = None,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Bring a tenant here; its read models are made anew and compared with the archive's.

    Nothing is sent: what was open is cancelled and the tenant suspended, until `penguin tenants
    restore`. A broken-off import is repeated with the same command. Exit 1 when anything differs.
    """
    from adapters.archive.container import Archive
    from ops.archiving import importing, phrases
    from ops.where import find

    where = find(options.folder(data))
    with Archive(file.expanduser()) as archive:
        found = importing.bring(where, archive, phrases.read(passphrase_file), _progress)
    if json:
        options.print_json(found.as_json())
    else:
        _tell(found.as_json())
    return 0 if found.equal else DoesNotHold.exit_code


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _tell(found: dict[str, Any]) -> None:
    print(f"tenant     {found['tenant_id']}: {found['decisions']:,} decisions, {found['facts']:,}")
    print(f"checksums  {'equal' if found['equal'] else 'differ: ' + ', '.join(found['differing'])}")
    if not found["exact"]:
        print("           the tenant was at work while it was exported")
    if found["not_compared"]:
        print(f"           not compared: {', '.join(found['not_compared'])}")
    if found["cancelled"]:
        print(f"cancelled  {len(found['cancelled']):,} campaigns that were not at their end")
    if not found["same_id_key"]:
        print("id key     another one here: links in mails already sent lead to the old place, and")
        print("           erased people who were suppressed are not known again by their address")
    for name, count in found["enter_anew"].items():
        print(f"enter      {count:,} of {name} anew")
    print(f"suspended  `penguin tenants restore {found['tenant_id']}` lets it send")
