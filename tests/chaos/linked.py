"""A test stack whose roles reach Kafka and Postgres through proxies that faults make ill."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.roles import ROLES
from ops.stack import links
from ops.stack.links import Link
from ops.stack.processes import HOST, choose_ports
from ops.stack.stack import load_or_create
from tests.chaos.kit import ChaosStack, stack
from tests.main_job_kit import ROOT

STAND_INS = {"sink", "dns"}


@contextmanager
def linked(data: Path) -> Iterator[ChaosStack]:
    """Up, with one broker and the links kafka-1 and postgres."""
    made = load_or_create(data)
    behind, kafka, postgres = choose_ports(3)
    known = {"kafka-1": Link(kafka, behind), "postgres": Link(postgres, made.ports["postgres"])}
    links.write(data, known)
    through = {
        "PM_KAFKA_BOOTSTRAP": f"{HOST}:{kafka}",
        "PM_DATABASE_URL": made.dsn.replace(str(made.ports["postgres"]), str(postgres)),
    }
    other = {role: {"environment": through} for role in ROLES if role not in STAND_INS}
    carrying = subprocess.Popen([sys.executable, "-m", "ops.chaos.link", str(data)], cwd=ROOT)
    try:
        with stack(data, other=other) as job:
            yield job
    finally:
        carrying.terminate()
        carrying.wait(30)
