"""A supervisor whose processes are not all the product's own: `python -m tests.chaos.supervised`.

Given DIR and a JSON object of role → {"command": [...], "environment": {...}, "copies": n}: these
roles are started so. A server is known by its name, and only its environment can differ.
`penguin up` finds it running and waits for it as for its own.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import Any

from ops import process_table, ready, supervisor
from ops.stack.program import Program
from ops.stack.stack import Stack

SERVERS = 0  # the stage of Kafka and Postgres


def changed(stack: Stack, wanted: dict[str, Any], *, servers_only: bool) -> list[Program]:
    """The stack's programs, with what was asked for in place of theirs."""
    found = []
    for program in process_table.programs(stack, servers_only=servers_only):
        if server := wanted.get(program.name, {}) if program.stage == SERVERS else None:
            found.append(_server(program, server))
            continue
        other = wanted.get(program.role)
        if other is None:
            found.append(program)
            continue
        found += [_copy(stack, program, other, number) for number in range(other.get("copies", 1))]
    return found


def _server(program: Program, other: dict[str, Any]) -> Program:
    environment = {**program.environment, **other["environment"]}
    return dataclasses.replace(program, environment=environment)


def _copy(stack: Stack, program: Program, other: dict[str, Any], number: int) -> Program:
    instance = str(number + 1)
    name = ready.process_name(program.role, instance)

    async def serves(pid: int) -> bool:
        return ready.is_ready(stack.data, name, pid)

    return dataclasses.replace(
        program,
        name=name,
        command=lambda: other.get("command") or program.command(),
        environment={
            **program.environment,
            "PM_INSTANCE": instance,
            **other.get("environment", {}),
        },
        prepare=lambda: ready.forget(stack.data, name),
        serves=serves,
    )


def main(arguments: Sequence[str]) -> None:
    """Supervise until SIGTERM."""
    data, wanted = arguments[0], json.loads(arguments[1])

    def programs(stack: Stack, *, servers_only: bool) -> list[Program]:
        return changed(stack, wanted, servers_only=servers_only)

    supervisor.programs = programs  # type: ignore[attr-defined, assignment]
    supervisor.main([data])


if __name__ == "__main__":
    main(sys.argv[1:])
