"""Where a command finds its stack: the environment first, then DIR/stack.json."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.settings import Settings
from ops.errors import Missing
from ops.stack.processes import HOST
from ops.stack.stack import Stack, load


@dataclass(frozen=True)
class Where:
    """Addresses of one stack. What it does not run itself (no stack.json) is empty or 0."""

    data_dir: Path
    bootstrap: str
    dsn: str = field(repr=False)
    prefix: str = ""
    id_key: str = field(default="", repr=False)
    api_url: str = ""
    inbox_url: str = ""
    dns_server: str = ""
    smtp_port: int = 0


def find(
    data: Path, *, log_only: bool = False, environment: Mapping[str, str] = os.environ
) -> Where:
    """The stack of a folder. PM_KAFKA_BOOTSTRAP, PM_DATABASE_URL and PM_ID_KEY win over its file.

    Raises Missing when Kafka's address is known from neither, or Postgres's, unless `log_only`.
    Whether anything answers there is not asked.
    """
    stack = load(data)
    bootstrap = environment.get("PM_KAFKA_BOOTSTRAP") or (stack.bootstrap if stack else "")
    dsn = (
        environment.get("PM_DATABASE_URL")
        or environment.get("DATABASE_URL")
        or (stack.dsn if stack else "")
    )
    if not bootstrap or not (dsn or log_only):
        unset = "PM_DATABASE_URL" if bootstrap else "PM_KAFKA_BOOTSTRAP"
        raise Missing(f"there is no stack in {data}: `penguin up` makes one, or set {unset}")
    return Where(
        data_dir=data,
        bootstrap=bootstrap,
        dsn=dsn,
        prefix=environment.get("PM_PREFIX", ""),
        id_key=environment.get("PM_ID_KEY") or _own_key(stack),
        api_url=stack.api_url if stack else "",
        inbox_url=stack.inbox_url if stack else "",
        dns_server=environment.get("PM_DNS_SERVER") or _address(stack, "dns"),
        smtp_port=int(environment.get("PM_SMTP_PORT") or (stack.ports["smtp"] if stack else 0)),
    )


def _own_key(stack: Stack | None) -> str:
    return stack.id_key if stack else str(Settings.model_fields["id_key"].default)


def _address(stack: Stack | None, name: str) -> str:
    return f"{HOST}:{stack.ports[name]}" if stack else ""
