"""compose.yaml, the role table and the roles of the code name the same processes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.settings import Settings
from ops import roles
from ops.errors import Usage
from ops.process_table import ROLE_TABLE, programs
from ops.stack.stack import Stack, load_or_create

ROOT = Path(__file__).parents[2]
ONE_SHOT = roles.MIGRATE
NETWORK = "host"  # holds what one machine has by itself: a loopback that all roles share


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """What starts without a profile."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return {name: told for name, told in found["services"].items() if "profiles" not in told}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return load_or_create(tmp_path / "stack")


def test_compose_runs_the_processes_that_up_runs(
    services: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    supervised = {program.role for program in programs(load_or_create(tmp_path / "stack"))}

    assert set(services) - {ONE_SHOT, NETWORK} == supervised


def test_each_service_of_ours_runs_the_role_it_is_named_after(
    services: dict[str, dict[str, Any]],
) -> None:
    commanded = {name: told for name, told in services.items() if "command" in told}
    ours = {name: told for name, told in commanded.items() if name != "postgres"}

    assert {name: told["command"] for name, told in ours.items()} == {
        name: ["run", name] for name in (*roles.ROLES, ONE_SHOT)
    }


def test_every_role_has_a_process_and_every_process_a_role() -> None:
    assert sorted(entry.role for entry in ROLE_TABLE) == sorted(roles.ROLES)


def test_more_api_processes_share_the_port_of_the_first(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PM_API_PROCESSES", "3")

    apis = [program for program in programs(stack) if program.role == "api"]

    assert [program.name for program in apis] == ["api", "api-2", "api-3"]
    assert {program.environment["PM_API_PORT"] for program in apis} == {str(stack.ports["api"])}
    assert [program.ports for program in apis] == [(stack.ports["api"],), (), ()]


@pytest.mark.parametrize("told", ["0", "two", "65", "-1"])
def test_a_number_of_api_processes_that_is_none_is_refused(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setenv("PM_API_PROCESSES", told)

    with pytest.raises(Usage, match="1 to 64"):
        programs(stack)


def test_compose_sets_only_settings_that_exist(services: dict[str, dict[str, Any]]) -> None:
    known = {f"PM_{name.upper()}" for name in Settings.model_fields}
    known |= {"FORWARDED_ALLOW_IPS"}  # read by uvicorn itself

    for name in roles.ROLES:
        assert set(services[name]["environment"]) <= known


def test_a_drain_has_the_time_that_the_supervisor_gives_it(
    services: dict[str, dict[str, Any]],
) -> None:
    for entry in ROLE_TABLE:
        grace_s = int(services[entry.role]["stop_grace_period"].removesuffix("s"))
        assert grace_s >= entry.stop_timeout_s, entry.role


@pytest.mark.skipif(
    not shutil.which("docker")
    or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    != 0,
    reason="docker compose is not here",
)
def test_docker_accepts_the_file() -> None:
    told = subprocess.run(
        ["docker", "compose", "-f", str(ROOT / "compose.yaml"), "config", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stderr
