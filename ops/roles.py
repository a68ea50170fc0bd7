"""`penguin run ROLE`: settings, logging and the announcement around a role's own function."""

from __future__ import annotations

import importlib
from functools import partial

from adapters import logs, postgres
from adapters.settings import Settings
from adapters.stack_identity import stack_id
from ops import ready
from ops.errors import Usage

# Each is a function of this name in ops/compose.py: (settings, ready) → blocks until SIGTERM.
ROLES = (
    "sink",
    "dns",
    "relay",
    "planner",
    "schedule",
    "release",
    "dispatcher",
    "sweeper",
    "volume",
    "projections",
    "api",
)
MIGRATE = "migrate"  # a one-shot: the schema and the topics


def run(role: str) -> None:
    """Run one role in this process until SIGTERM. Raises Usage for a role that does not exist."""
    if role not in (*ROLES, MIGRATE):
        raise Usage(f"there is no role {role!r}; there are: {', '.join(ROLES)}")
    settings = Settings()
    own = {"stack_id": stack_id(settings.data_dir, settings.stack_id)}
    settings = settings.model_copy(update=own)
    logs.configure(settings.log_level, role)
    postgres.bind_by(settings.tenant_setting)
    if role == MIGRATE:
        importlib.import_module("ops.prepare").run(settings)
        return
    compose = importlib.import_module("ops.compose")
    getattr(compose, role)(settings, partial(ready.announce, settings, role))
