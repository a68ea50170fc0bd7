"""SQL of a read model's version: files say `{v}` where the version's tables are named."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import LiteralString

from adapters.postgres import named_sql


@cache
def versioned(path: Path, version: int) -> Mapping[str, LiteralString]:
    """The named statements of a file for one version of the tables."""
    return {name: body.replace("{v}", f"v{int(version)}") for name, body in named_sql(path).items()}
