"""`penguin ambiguous`: what nobody knows is listed, and settled by evidence that is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters import codec
from domain.event import Topic
from domain.sending import AmbiguityResolved, BatchPlanned
from ops import log_tail
from projections import models
from tests.pipeline_world import launched
from tests.release_kit import World, attempted, batch_of, project
from tests.schedule_kit import KnownEnds, waiting_of
from tests.verify_kit import snd

pytestmark = pytest.mark.stack
EVIDENCE = "the relay's log of that hour"
Penguin = Callable[..., tuple[Any, str]]


@pytest.fixture
async def world(dsn: str) -> World:
    models.ensure_schemas(dsn)
    return World(dsn, KnownEnds(attempts=50))


@pytest.fixture
async def doubted(world: World) -> BatchPlanned:
    """Three sends; nobody knows whether they arrived."""
    tenant = await world.tenant()
    launch = launched(tenant[0], message_class="bulk")
    planned = batch_of(launch, 3)
    planned = replace(planned, send_ids=[snd(planned.batch_id, index) for index in range(3)])
    await world.tell(launch, planned)
    await attempted(world, deadline_in_s=-1)
    await project(world, planned)
    return planned


@pytest.fixture
def penguin(server: dict[str, str], dsn: str, log_prefix: str, tmp_path: Path) -> Penguin:
    """Runs `penguin ambiguous … --json`: its object, or None with what it said of its failure."""
    given = {
        "PM_KAFKA_BOOTSTRAP": server["bootstrap"],
        "PM_DATABASE_URL": dsn,
        "PM_PREFIX": log_prefix,
        "PM_ID_KEY": "test",
        "PM_DATA_DIR": str(tmp_path),
    }

    def run(*arguments: str, expected: int = 0) -> tuple[Any, str]:
        done = subprocess.run(
            [sys.executable, "-m", "ops.cli", "ambiguous", *arguments, "--json"],
            env=os.environ | given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == expected, done.stderr
        return (json.loads(done.stdout) if not expected else None), done.stderr

    return run


async def resolved(server: dict[str, str], prefix: str, world: World) -> list[AmbiguityResolved]:
    """What the log has; the schedule folds it."""
    found = []
    async with log_tail.opened(server["bootstrap"], prefix, (Topic.ATTEMPTS,)) as tail:
        async for records in tail.until(await tail.ends()):
            found += [codec.recorded(record).event for record in records]
    events = [event for event in found if isinstance(event, AmbiguityResolved)]
    await world.tell(*events)
    return events


async def test_i6_a_record_settles_what_it_has_and_leaves_the_rest_in_doubt(
    penguin: Penguin,
    doubted: BatchPlanned,
    world: World,
    server: dict[str, str],
    log_prefix: str,
    tmp_path: Path,
) -> None:
    listed, _ = penguin("list")
    assert listed["ambiguous"] == 3
    assert [send["send_id"] for send in listed["sends"]] == doubted.send_ids
    assert {send["campaign_id"] for send in listed["sends"]} == {doubted.campaign_id}

    record = tmp_path / "relay.log"
    record.write_text(
        f"250 ok <{doubted.send_ids[1].removeprefix('snd_').upper()}@chaos.example>\n"
    )
    done, _ = penguin("resolve", "--from", str(record), "--evidence", EVIDENCE)
    assert done == {"accepted": 1, "not_accepted": 0, "left": 2}

    (event,) = await resolved(server, log_prefix, world)
    assert (event.ranges, event.outcome) == ([[1, 2]], "accepted")
    assert event.evidence == f"operator:{EVIDENCE}"
    left, _ = penguin("list", "--campaign", doubted.campaign_id)
    assert [send["send_id"] for send in left["sends"]] == [doubted.send_ids[n] for n in (0, 2)]
    assert penguin("list", "--tenant", "ten_nobody")[0]["ambiguous"] == 0


async def test_i6_a_complete_record_ends_what_it_lacks_and_nothing_is_sent_again(
    penguin: Penguin,
    doubted: BatchPlanned,
    world: World,
    server: dict[str, str],
    log_prefix: str,
    tmp_path: Path,
) -> None:
    record = tmp_path / "relay.log"
    record.write_text(f"{doubted.send_ids[0].removeprefix('snd_')}@x\n")

    done, _ = penguin("resolve", "--from", str(record), "--complete", "--evidence", EVIDENCE)

    assert done == {"accepted": 1, "not_accepted": 2, "left": 0}
    events = await resolved(server, log_prefix, world)
    assert sorted((event.outcome, event.ranges) for event in events) == [
        ("accepted", [[0, 1]]),
        ("rejected", [[1, 3]]),
    ]
    assert penguin("list")[0] == {"ambiguous": 0, "sends": []}
    assert waiting_of(world.dsn) == {}


async def test_what_is_named_wrongly_settles_nothing(
    penguin: Penguin, doubted: BatchPlanned, tmp_path: Path
) -> None:
    known = doubted.send_ids[0]
    for arguments, expected, cure in (
        ((known, "snd_unknown", "--evidence", EVIDENCE), 3, "is not ambiguous now"),
        ((known, "--as", "perhaps", "--evidence", EVIDENCE), 2, "accepted or not_accepted"),
        ((known, "--evidence", "ask ann@example.com"), 2, "without any address"),
        ((known, "--complete", "--evidence", EVIDENCE), 2, "not both"),
        (("--evidence", EVIDENCE), 2, "name sends by id"),
        (("--from", str(tmp_path / "none"), "--evidence", EVIDENCE), 3, "no such file"),
    ):
        assert cure in penguin("resolve", *arguments, expected=expected)[1]

    assert penguin("list")[0]["ambiguous"] == 3
