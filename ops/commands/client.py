"""`penguin client`: write or check the Python client in examples/client."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from ops.errors import DoesNotHold

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def client(
    write: Annotated[bool, typer.Option("--write", help="write it anew")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="exit 1 when it is not as written")
    ] = False,
) -> int:
    """Write, check or print the client that follows from the API's OpenAPI description."""
    from ops.client.writing import CLIENT

    source = _formatted(_source())
    if check:
        if CLIENT.read_text() != source:
            raise DoesNotHold("examples/client is not as written; cure: penguin client --write")
    elif write:
        CLIENT.write_text(source)
    else:
        print(source, end="")
    return 0


def _source() -> str:
    from api.main import operations
    from ops.client.writing import written

    return written(operations().openapi())


def _formatted(source: str) -> str:
    """As the project's formatter leaves it."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", "client.py", "-"],
        input=source,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
