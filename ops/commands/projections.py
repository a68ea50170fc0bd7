"""`penguin projections`: where every read model stands; rebuild one and compare."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops import options, where
from ops.errors import DoesNotHold, Usage

if TYPE_CHECKING:
    from projections.rebuild import Rebuilt
    from projections.session import Place

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
DIFFERING_SHOWN = 10


@app.command()
def status(data: options.Data = options.DATA, json: options.AsJson = False) -> int:
    """Position, lag in records and age of every read model."""
    from projections.status import status as look

    found = [asdict(standing) | {"equal": None} for standing in asyncio.run(look(_place(data)))]
    if json:
        options.print_json(found)
        return 0
    print(f"{'read model':<20} {'version':>7} {'lag':>9} {'age':>10}")
    for entry in found:
        age = "never" if entry["age_s"] is None else f"{entry['age_s']:.1f} s"
        print(f"{entry['name']:<20} {entry['version']:>7} {entry['lag']:>9} {age:>10}")
    return 0


@app.command()
def rebuild(
    name: Annotated[str, typer.Argument(help="a read model of `penguin projections status`")],
    force: Annotated[bool, typer.Option(help="swap even if it differs")] = False,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Build it again from the log's beginning beside the live one; swap if both are equal.

    Exit 1 when they differ; then the live one stays, unless --force.
    """
    found = asyncio.run(_rebuild(_place(data), name, force=force))
    if json:
        options.print_json(_report(name, found))
    else:
        _tell(name, found)
    return 0 if found.equal else DoesNotHold.exit_code


def _place(data: Path) -> Place:
    from projections.session import Place

    stack = where.find(options.folder(data))
    return Place(stack.dsn, stack.bootstrap, stack.prefix)


async def _rebuild(place: Place, name: str, *, force: bool) -> Rebuilt:
    from projections.models import NAMES
    from projections.rebuild import Busy, rebuild

    if name not in NAMES:
        raise Usage(f"there is no read model {name!r}; there are: {', '.join(NAMES)}")
    try:
        return await rebuild(place, NAMES[name], force=force)
    except Busy as busy:
        raise DoesNotHold(f"{busy}; wait for it") from busy


def _report(name: str, found: Rebuilt) -> dict[str, Any]:
    sends = found.rows.get("send_ledger", 0)
    return asdict(found) | {
        "name": name,
        "model": found.name,
        "equal": found.equal,
        "lag": 0,  # it ends where the live one stood
        "sends": sends,
        "sends_per_s": round(sends / found.elapsed_s, 1) if found.elapsed_s else 0.0,
        "differing": [f"{table} of {tenant_id}" for table, tenant_id in found.differing],
    }


def _tell(name: str, found: Rebuilt) -> None:
    report = _report(name, found)
    rows = sum(found.rows.values())
    print(
        f"{name}: version {found.version} from {found.records:,} records in {found.elapsed_s:.1f} s"
        f" ({rows:,} rows, {report['sends_per_s']:,.0f} sends/s)"
    )
    print("equal to the live one" if found.equal else "differs from the live one:")
    for line in report["differing"][:DIFFERING_SHOWN]:
        print(f"  {line}")
    print("it is live now" if found.swapped else "the live one stays (--force swaps)")
