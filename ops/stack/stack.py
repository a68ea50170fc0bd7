"""One stack: what was chosen for it once, kept in DIR/stack.json, and what follows from that."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from adapters.sealing import ensure_key_file
from ops.errors import Missing, Usage
from ops.stack.processes import HOST, choose_ports

BROKERS = (1, 3)
ROLE_PORTS = ("api", "inbox", "smtp", "dns")
RETRY_SCALE = 1 / 300  # of the embedded stack: an hour between SMTP attempts becomes 12 s


@dataclass(frozen=True)
class Servers:
    """Kafka and Postgres that someone else runs."""

    bootstrap: str
    dsn: str


@dataclass(frozen=True)
class Stack:
    """`ports`: kafka-N, kafka-N.controller, postgres, api, inbox, smtp, dns → port on loopback."""

    data: Path
    brokers: int
    cluster_id: str
    id_key: str = field(repr=False)
    ports: Mapping[str, int]
    given: Servers | None = None

    @property
    def broker_names(self) -> list[str]:
        """The brokers that this stack runs itself."""
        return [] if self.given else [f"kafka-{n}" for n in range(1, self.brokers + 1)]

    @property
    def bootstrap(self) -> str:
        """Where Kafka answers."""
        own = ",".join(f"{HOST}:{self.ports[name]}" for name in self.broker_names)
        return self.given.bootstrap if self.given else own

    @property
    def dsn(self) -> str:
        """Where Postgres answers, as its owner."""
        own = f"postgresql://postgres@{HOST}:{self.ports['postgres']}/postgres"
        return self.given.dsn if self.given else own

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.ports['api']}"

    @property
    def inbox_url(self) -> str:
        return f"http://{HOST}:{self.ports['inbox']}"

    @property
    def api_token(self) -> str:
        """The operator's token for the API."""
        key = self.id_key.encode()[:64]
        return hashlib.blake2b(key=key, digest_size=20, person=b"pm-api-token").hexdigest()

    @property
    def secret_keys(self) -> Path:
        """The file of the keys under which secrets are sealed; kept apart from Postgres's files."""
        return self.data / "secret_keys"

    def log_file(self, name: str) -> Path:
        """Where the process of this name writes its log."""
        return self.data / "logs" / f"{name}.log"

    def environment(self) -> dict[str, str]:
        """Settings of the roles. What the caller's environment sets is kept where both could be."""
        fixed = {
            "PM_DATA_DIR": str(self.data),
            "PM_KAFKA_BOOTSTRAP": self.bootstrap,
            "PM_DATABASE_URL": self.dsn,
            "PM_API_PORT": str(self.ports["api"]),
            "PM_INBOX_PORT": str(self.ports["inbox"]),
        }
        return self._defaults() | self._secret_key() | os.environ | fixed

    def _secret_key(self) -> dict[str, str]:
        """The stack's own keys, unless the caller's environment has some."""
        given = os.environ.get("PM_SECRET_KEY") or os.environ.get("PM_SECRET_KEY_FILE")
        return {} if given else {"PM_SECRET_KEY_FILE": str(self.secret_keys)}

    def _defaults(self) -> dict[str, str]:
        return {
            "PM_ID_KEY": self.id_key,
            "PM_API_TOKEN": self.api_token,
            "PM_DNS_SERVER": f"{HOST}:{self.ports['dns']}",
            "PM_SMTP_PORT": str(self.ports["smtp"]),
            "PM_REPLICATION_FACTOR": str(self.brokers),
            "PM_RETRY_SCALE": str(RETRY_SCALE),
        }


def given_servers(environment: Mapping[str, str] = os.environ) -> Servers | None:
    """The servers that the environment names; None: run our own. Raises Missing for half a pair."""
    bootstrap = environment.get("PM_KAFKA_BOOTSTRAP", "")
    dsn = environment.get("PM_DATABASE_URL", "")
    if bootstrap:
        dsn = dsn or environment.get("DATABASE_URL", "")
    if bool(bootstrap) == bool(dsn):
        return Servers(bootstrap, dsn) if bootstrap else None
    is_set, absent = "PM_KAFKA_BOOTSTRAP", "PM_DATABASE_URL"
    if dsn:
        is_set, absent = absent, is_set
    raise Missing(f"{is_set} is set and {absent} is not: set both, or neither to run both here")


def stack_file(data: Path) -> Path:
    return data / "stack.json"


def load(data: Path) -> Stack | None:
    """The stack of this folder, or None before its first `up`."""
    try:
        found = json.loads(stack_file(data).read_text())
    except FileNotFoundError:
        return None
    given = found.pop("given")
    return Stack(data=data, given=Servers(**given) if given else None, **found)


def load_or_create(data: Path, brokers: int | None = None, given: Servers | None = None) -> Stack:
    """The stack of this folder, chosen now if there is none. Raises Usage for another shape."""
    if brokers is not None and brokers not in BROKERS:
        raise Usage(f"--brokers {brokers}: a stack has 1 broker or 3")
    known = load(data)
    if known is None:
        known = _choose(data, brokers or 1)
    elif brokers not in (None, known.brokers):
        raise Usage(
            f"the stack in {data} has --brokers {known.brokers}, for good: choose another --data"
        )
    stack = replace(known, given=given)
    _save(stack)
    ensure_key_file(stack.secret_keys)
    return stack


def _choose(data: Path, brokers: int) -> Stack:
    names = [f"kafka-{n}" for n in range(1, brokers + 1)]
    wanted = [*names, *(f"{name}.controller" for name in names), "postgres", *ROLE_PORTS]
    return Stack(
        data=data,
        brokers=brokers,
        cluster_id=base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("="),
        id_key=secrets.token_urlsafe(32),
        ports=dict(zip(wanted, choose_ports(len(wanted)), strict=True)) | _wished_ports(),
    )


def _wished_ports() -> dict[str, int]:
    """Ports of the first `up` that its caller wants; kept, as all of them."""
    wished = {name: os.environ.get(f"PM_{name.upper()}_PORT", "") for name in ("api", "inbox")}
    return {name: int(port) for name, port in wished.items() if port.isdigit() and int(port)}


def _save(stack: Stack) -> None:
    """Write the file, readable to its owner alone: the key of derived ids is in it."""
    stack.data.mkdir(parents=True, exist_ok=True)
    kept = asdict(stack)
    del kept["data"]
    fresh = stack_file(stack.data).with_suffix(f".{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(kept, indent=1))
    fresh.replace(stack_file(stack.data))
