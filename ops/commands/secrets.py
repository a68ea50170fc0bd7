"""`penguin secrets`: which keys seal secrets at rest; a new key; everything under the newest."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ops import options, where
from ops.errors import DoesNotHold, Missing
from ops.where import Where

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.command()
def status(data: options.Data = options.DATA, json: options.AsJson = False) -> int:
    """How many secrets are sealed under which key. Exit 1 when one of the keys is missing here."""
    found = _standing(where.find(options.folder(data)))
    if json:
        options.print_json(found)
    else:
        _tell(found)
    return DoesNotHold.exit_code if found["missing"] else 0


@app.command()
def rotate(
    new_key: Annotated[bool, typer.Option(help="add a fresh key to the key file first")] = False,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Seal everything under the newest key. Running roles know it at once; break off as you like.

    Without --new-key the newest is the last line of the key file. An older key may be taken away
    once `status` counts nothing under it.
    """
    from adapters import sealed_columns

    stack = where.find(options.folder(data))
    if new_key:
        _add_key(_key_file(stack, os.environ))
    changed = sealed_columns.rotate(stack.dsn, stack.seals, _progress)
    found = _standing(stack) | {"changed": changed}
    if json:
        options.print_json(found)
    else:
        _tell(found)
        print(f"changed    {sum(changed.values()):,}")
    return 0


def _standing(stack: Where) -> dict[str, Any]:
    from adapters import sealed_columns

    keys = stack.seals.keys()
    columns = sealed_columns.standing(stack.dsn)
    used = {key_id for column in columns for key_id in column.keys}
    return {
        "newest": keys.newest,
        "known": list(keys.known),
        "missing": sorted(used - set(keys.known)),
        "unused": sorted(set(keys.known) - used - {keys.newest}),
        "columns": [asdict(column) for column in columns],
    }


def _key_file(stack: Where, environment: Mapping[str, str]) -> Path:
    if environment.get("PM_SECRET_KEY_FILE"):
        return Path(environment["PM_SECRET_KEY_FILE"])
    if environment.get("PM_SECRET_KEY"):
        raise Missing(
            "--new-key writes a key file, and PM_SECRET_KEY has none: append `id:key` to "
            "PM_SECRET_KEY yourself, restart the roles, then rotate"
        )
    from ops.stack.stack import load

    found = load(stack.data_dir)
    if found is None:
        raise Missing("--new-key writes a key file: name it in PM_SECRET_KEY_FILE")
    return found.secret_keys


def _add_key(path: Path) -> None:
    from adapters.sealing import new_key_line, write_key_file

    kept = path.read_text().rstrip("\n")
    write_key_file(path, f"{kept}\n{new_key_line()}\n")


def _progress(changed: int) -> None:
    print(f"changed {changed:,}", file=sys.stderr, flush=True)


def _tell(found: Mapping[str, Any]) -> None:
    print(f"newest     {found['newest']}")
    for column in found["columns"]:
        counts = ", ".join(f"{count:,} under {key_id}" for key_id, count in column["keys"].items())
        print(f"{column['column']}: {counts}")
    if found["missing"]:
        print(f"missing    {', '.join(found['missing'])}: put their lines back into the key file")
    if found["unused"]:
        print(f"unused     {', '.join(found['unused'])}: nothing here needs them; old backups may")
