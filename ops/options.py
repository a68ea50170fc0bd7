"""Options that several commands share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Data = Annotated[
    Path, typer.Option("--data", envvar="PM_DATA_DIR", help="which stack: the folder it lives in")
]
DATA = Path(".penguin")
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on stdout")]


def folder(data: Path) -> Path:
    """The stack's folder as everyone names it: absolute, links followed."""
    return data.expanduser().resolve()


def print_json(found: Any) -> None:
    """One object on stdout, in one line."""
    print(json.dumps(found, default=str), flush=True)
