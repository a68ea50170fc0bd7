"""Where a command finds its stack: servers that the environment names, or DIR/stack.json."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.postgres import bind_by
from adapters.sealing import Seals, keys_from
from adapters.settings import Settings
from ops.errors import Missing
from ops.stack.processes import HOST
from ops.stack.stack import Servers, Stack, given_servers, load


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
    seals: Seals = field(default_factory=lambda: Seals.under(""), repr=False)


def find(
    data: Path, *, log_only: bool = False, environment: Mapping[str, str] = os.environ
) -> Where:
    """The stack of a folder. PM_KAFKA_BOOTSTRAP with PM_DATABASE_URL, and PM_ID_KEY, win over it.

    Raises Missing when neither names servers, or the environment half of the pair; with `log_only`
    Kafka's half is enough. Whether anything answers there is not asked.
    """
    stack = load(data)
    servers = _given(environment, log_only=log_only)
    if servers is None and stack is not None:
        servers = Servers(stack.bootstrap, stack.dsn)
    if servers is None:
        raise Missing(
            f"there is no stack in {data}: `penguin up` makes one, or set PM_KAFKA_BOOTSTRAP and "
            "PM_DATABASE_URL"
        )
    if setting := environment.get("PM_TENANT_SETTING"):
        bind_by(setting)
    return Where(
        data_dir=data,
        bootstrap=servers.bootstrap,
        dsn=servers.dsn,
        prefix=environment.get("PM_PREFIX", ""),
        id_key=environment.get("PM_ID_KEY") or _own_key(stack),
        api_url=stack.api_url if stack else "",
        inbox_url=stack.inbox_url if stack else "",
        dns_server=environment.get("PM_DNS_SERVER") or _address(stack, "dns"),
        smtp_port=int(environment.get("PM_SMTP_PORT") or (stack.ports["smtp"] if stack else 0)),
        seals=_seals(environment, stack),
    )


def _given(environment: Mapping[str, str], *, log_only: bool) -> Servers | None:
    bootstrap = environment.get("PM_KAFKA_BOOTSTRAP", "")
    if log_only and bootstrap:
        return Servers(bootstrap, environment.get("PM_DATABASE_URL", ""))
    return given_servers(environment)


def _seals(environment: Mapping[str, str], stack: Stack | None) -> Seals:
    """Under the keys that the environment names, or the stack's own."""
    key, named = environment.get("PM_SECRET_KEY", ""), environment.get("PM_SECRET_KEY_FILE", "")
    own = stack.secret_keys if stack and not key else None
    return Seals(keys_from(key, Path(named) if named else own))


def _own_key(stack: Stack | None) -> str:
    return stack.id_key if stack else str(Settings.model_fields["id_key"].default)


def _address(stack: Stack | None, name: str) -> str:
    return f"{HOST}:{stack.ports[name]}" if stack else ""
