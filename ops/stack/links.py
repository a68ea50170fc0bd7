"""DIR/links.json: ports through which the roles of a test stack reach Kafka and Postgres.

Each leads through a proxy that can be made ill (ops/chaos/link.py); a stack without the file has
none, and its roles connect directly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Link:
    """Ports on loopback: where roles connect, and where it leads."""

    listen: int
    upstream: int


def _file(data: Path) -> Path:
    return data / "links.json"


def write(data: Path, links: Mapping[str, Link]) -> None:
    """Name the links of a stack, before its first start."""
    _file(data).write_text(json.dumps({name: asdict(link) for name, link in links.items()}))


def read(data: Path) -> dict[str, Link]:
    """Links by the process that they lead to: kafka-1, postgres."""
    try:
        found = json.loads(_file(data).read_text())
    except FileNotFoundError:
        return {}
    return {name: Link(**link) for name, link in found.items()}
