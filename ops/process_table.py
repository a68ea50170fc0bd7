"""Every process of a stack, in order of start: what `up` starts and `compose.yaml` mirrors."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops import ready
from ops.errors import Usage
from ops.stack import kafka, postgres
from ops.stack.program import STOP_TIMEOUT_S, Program
from ops.stack.stack import Stack

CHECKOUT = Path(__file__).parent.parent
API_PROCESSES_MAX = 64
DRAIN_TIMEOUT_S = 30.0  # of the dispatcher: what it has claimed is attempted or given back


@dataclass(frozen=True)
class RoleProcess:
    """A role of ops/roles.py as a process. `ports` are names in the stack's ports."""

    role: str
    stage: int
    ports: tuple[str, ...] = ()
    stop_timeout_s: float = STOP_TIMEOUT_S
    instance: str = "1"


# Stage 0 are the servers. What takes in work starts last and stops first, so that a stop drains.
ROLE_TABLE = (
    RoleProcess("sink", 1, ("smtp", "inbox")),
    RoleProcess("dns", 1, ("dns",)),
    RoleProcess("relay", 2),
    RoleProcess("planner", 2),
    RoleProcess("schedule", 2),
    RoleProcess("sweeper", 2),
    RoleProcess("volume", 2),
    RoleProcess("projections", 2),
    RoleProcess("release", 3),
    RoleProcess("dispatcher", 3, stop_timeout_s=DRAIN_TIMEOUT_S),
    RoleProcess("api", 3, ("api",)),
)


def servers(stack: Stack) -> list[Program]:
    """Kafka and Postgres; none when someone else runs them."""
    return [] if stack.given else [postgres.program(stack), *kafka.programs(stack)]


def programs(stack: Stack, *, servers_only: bool = False) -> list[Program]:
    """All processes of the stack."""
    if servers_only:
        return servers(stack)
    environment = stack.environment()
    entries = (*ROLE_TABLE, *_more_apis(environment))
    return servers(stack) + [_program(stack, entry, environment) for entry in entries]


def _more_apis(environment: Mapping[str, str]) -> list[RoleProcess]:
    """Those that share the port of the first. Raises Usage for a number that is none."""
    told = environment.get("PM_API_PROCESSES", "1")
    if not told.isdigit() or not 1 <= int(told) <= API_PROCESSES_MAX:
        raise Usage(f"PM_API_PROCESSES={told}: give a number from 1 to {API_PROCESSES_MAX}")
    return [RoleProcess("api", 3, instance=str(n)) for n in range(2, int(told) + 1)]


def _program(stack: Stack, entry: RoleProcess, environment: Mapping[str, str]) -> Program:
    name = ready.process_name(entry.role, entry.instance)

    async def serves(pid: int) -> bool:
        return ready.is_ready(stack.data, name, pid)

    return Program(
        name=name,
        role=entry.role,
        stage=entry.stage,
        command=lambda: [sys.executable, "-m", "ops.cli", "run", entry.role],
        environment={**environment, "PM_INSTANCE": entry.instance},
        ports=tuple(stack.ports[port] for port in entry.ports),
        prepare=lambda: ready.forget(stack.data, name),
        serves=serves,
        stop_timeout_s=entry.stop_timeout_s,
    )
