"""`penguin doctor`: what is wrong, and the cure."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path

import typer

from ops import options
from ops.doctor.check import Check
from ops.where import Where

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def doctor(data: options.Data = options.DATA, json: options.AsJson = False) -> int:
    """Look at everything. Exit 0 when all is well, 1 when not, 3 when no stack is there."""
    found = _examine(options.folder(data))
    if json:
        options.print_json({"checks": [asdict(one) for one in found]})
    else:
        for one in found:
            print(f"{'ok ' if one.ok else 'BAD'}  {one.name:<28} {one.found}")
            if one.cure:
                print(f"{'':33}cure: {one.cure}")
    return 0 if all(one.ok for one in found) else 1


#: Without these, cursors and log cannot be compared.
PREPARED = {"kafka answers", "topics", "postgres answers", "migrations"}


def _stack_id(at: Where) -> str:
    """Empty beside servers of others, where nothing tells which stack is meant."""
    from ops import authority
    from ops.errors import Usage

    try:
        return authority.own_id(at)
    except Usage:
        return ""


def _examine(data: Path) -> list[Check]:
    from adapters.settings import Settings
    from ops import where
    from ops.doctor import cursors, log, machine, rows, standing
    from ops.stack.stack import load

    at = where.find(data)
    stack = load(data)
    found = list(machine.looks(stack)) if stack else []
    found += asyncio.run(log.looks(at))
    found += rows.looks(at.dsn, Settings().freshness_max_s, _stack_id(at))
    if {one.name for one in found if one.ok} >= PREPARED:
        found += asyncio.run(cursors.looks(at))
        found += standing.looks(at.dsn, Settings())
    return found
