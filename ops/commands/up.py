"""`penguin up`: the whole stack, ready."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def up(
    data: options.Data = options.DATA,
    brokers: Annotated[
        int | None, typer.Option(help="1 or 3 Kafka brokers; chosen on the first up")
    ] = None,
    servers_only: Annotated[bool, typer.Option(help="Kafka and Postgres, no roles")] = False,
    json: options.AsJson = False,
) -> None:
    """Start what does not run yet and return when all of it is ready."""
    from ops import control
    from ops.stack.stack import given_servers

    wanted = control.Wanted(options.folder(data), brokers, servers_only)
    stack = control.up(wanted, _tell, given=given_servers())
    found = report(stack)
    if json:
        options.print_json(found)
        return
    for name in ("bootstrap", "dsn", "api_url", "api_token", "inbox_url", "data"):
        print(f"{name:<10} {found[name]}")
    print(f"retries    SMTP delays are divided by {1 / found['retry_scale']:g} (PM_RETRY_SCALE)")


def report(stack: Any) -> dict[str, Any]:
    """What scripts need of a ready stack."""
    from ops import board

    return {
        "ready": True,
        "bootstrap": stack.bootstrap,
        "dsn": stack.dsn,
        "api_url": stack.api_url,
        "api_token": stack.api_token,
        "inbox_url": stack.inbox_url,
        "data": str(stack.data),
        "brokers": len(stack.broker_names),
        "supervisor_pid": board.read(stack.data).supervisor_pid,
        "retry_scale": float(stack.environment()["PM_RETRY_SCALE"]),
    }


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
