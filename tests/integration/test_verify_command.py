"""`penguin verify` and `penguin events` on a real log, as scripts call them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from adapters.kafka_log import Draft, KafkaLog, now_meta
from domain.event import Event, Topic
from tests.verify_kit import (
    CAMPAIGN,
    TENANT,
    audience,
    finished,
    launched,
    outcomes,
    planned,
    snd,
    started,
)

pytestmark = pytest.mark.stack

Penguin = Callable[..., subprocess.Popen[str]]

ACCEPTED = outcomes({"accepted": [[0, 4]]})
WHOLE = (launched(), planned(), audience(), started(), ACCEPTED, finished(accepted=4))


@pytest.fixture
def penguin(server: dict[str, str], log_prefix: str) -> Iterator[Penguin]:
    """Starts a command on the test's log; the caller waits for it."""
    begun: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        given = {"PM_KAFKA_BOOTSTRAP": server["bootstrap"], "PM_PREFIX": log_prefix}
        environment = {k: v for k, v in os.environ.items() if "DATABASE_URL" not in k} | given
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.cli", *arguments],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        begun.append(process)
        return process

    yield start
    for process in begun:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


def run(process: subprocess.Popen[str], expected: int = 0) -> tuple[str, str]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == expected, err
    assert "Traceback" not in err
    return out, err


@pytest.fixture
async def log(server: dict[str, str], log_prefix: str) -> Callable[[Sequence[Event]], Any]:
    async def write(events: Sequence[Event]) -> None:
        drafts = [
            Draft(str(type(event).event_type.topics[0]), event, now_meta(TENANT))
            for event in events
        ]
        async with KafkaLog(server["bootstrap"], log_prefix) as opened:
            await opened.append(drafts)

    return write


@pytest.fixture
async def poison(server: dict[str, str], log_prefix: str) -> Callable[[str], Any]:
    async def write(topic: str) -> None:
        async with AIOKafkaProducer(bootstrap_servers=server["bootstrap"]) as producer:
            headers = [("ce_type", b"SliceStarted"), ("v", b"1"), ("tenant", TENANT.encode())]
            await producer.send_and_wait(log_prefix + topic, b"not JSON", headers=headers)

    return write


Write = Callable[[Any], Any]


async def test_i6_a_whole_campaign_holds_without_postgres(penguin: Penguin, log: Write) -> None:
    await log(WHOLE)

    report = json.loads(run(penguin("verify", "--json"))[0])

    (campaign,) = report["campaigns"]
    assert report["ok"] is True
    assert report["violations"] == []
    assert campaign | {"open_sends": []} == {
        "campaign_id": CAMPAIGN, "tenant_id": TENANT, "requested": 4, "accepted": 4, "rejected": 0,
        "suppressed": 0, "expired": 0, "cancelled": 0, "ambiguous": 0, "open": 0, "open_sends": [],
        "finished": True,
    }  # fmt: skip
    assert report["sends"] == 4
    assert report["records"] == 6 + 12  # and the identities of twelve partitions


async def test_what_does_not_hold_is_exit_1_and_told_to_people_too(
    penguin: Penguin, log: Write
) -> None:
    await log([*WHOLE, started("rel_2", 2, [[0, 1]])])

    report = json.loads(run(penguin("verify", "--json", "--campaign", CAMPAIGN), 1)[0])
    assert [(each["kind"], each["send_id"]) for each in report["violations"]] == [
        ("attempt_before_outcome", snd("bat_1", 0))
    ]

    told, _ = run(penguin("verify"), 1)
    assert "it does NOT hold: 1 violations" in told
    assert snd("bat_1", 0) in told


async def test_only_the_asked_tenant_and_campaign_are_judged(penguin: Penguin, log: Write) -> None:
    await log([*WHOLE, started("rel_2", 2, [[0, 1]])])

    assert (
        json.loads(run(penguin("verify", "--json", "--tenant", "ten_other"))[0])["campaigns"] == []
    )
    _, told = run(penguin("verify", "--campaign", "cmp_nobody"), 2)
    assert "cmp_nobody" in told


async def test_poison_in_attempts_is_told(penguin: Penguin, log: Write, poison: Write) -> None:
    await log(WHOLE)
    await poison(Topic.ATTEMPTS)

    report = json.loads(run(penguin("verify", "--json"), 1)[0])

    assert report["violations_by_kind"] == {"undecodable": 1}


@pytest.mark.parametrize(
    ("received", "code"),
    [
        ([0, 1, 2, 3], 0),
        ([0, 1, 2], 1),
        ([0, 1, 2, 3, 3], 1),
        ([0, 1, 2, 3, 9], 1),
    ],
)
async def test_log_and_sink_are_compared_send_by_send(
    penguin: Penguin, log: Write, tmp_path: Path, received: list[int], code: int
) -> None:
    await log(WHOLE)
    file = tmp_path / "received.jsonl"
    ids = [snd("bat_1", index).removeprefix("snd_") for index in received]
    file.write_text("".join(json.dumps({"message_id": f"{one}@x.test"}) + "\n" for one in ids))

    report = json.loads(run(penguin("verify", "--json", "--against-sink", str(file)), code)[0])

    assert report["violations_by_kind"] == ({"sink_differs": 1} if code else {})


async def test_a_sink_file_that_is_not_there_is_exit_3(penguin: Penguin, log: Write) -> None:
    await log(WHOLE)

    _, told = run(penguin("verify", "--against-sink", "/nowhere/received.jsonl"), 3)

    assert "/nowhere/received.jsonl" in told


def test_without_a_broker_it_is_exit_3_with_the_cure(
    penguin: Penguin, monkeypatch: pytest.MonkeyPatch, server: dict[str, str]
) -> None:
    monkeypatch.setitem(server, "bootstrap", "127.0.0.1:1")

    for command in ("verify", "events"):
        _, told = run(penguin(command), 3)
        assert "penguin up" in told


# ---- events


async def lines(penguin: Penguin, *arguments: str) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in run(penguin("events", "--json", *arguments))[0].splitlines()
    ]


async def test_events_are_the_log_in_order(penguin: Penguin, log: Write) -> None:
    for event in WHOLE:  # one after the other, so that Kafka's times tell their order
        await log([event])

    found = [line for line in await lines(penguin) if line["type"] != "LogIdentified"]

    assert [line["type"] for line in found] == [type(event).__name__ for event in WHOLE]
    assert [line["topic"] for line in found] == [
        str(type(event).event_type.topics[0]) for event in WHOLE
    ]
    start = found[3]
    assert start["tenant_id"] == TENANT
    assert start["id"].startswith("evt_")
    assert start["time"].endswith("+00:00")
    assert start["data"]["release_id"] == "rel_1"
    assert start["offset"] == 1


async def test_events_by_type_topic_tenant_and_limit(penguin: Penguin, log: Write) -> None:
    await log(WHOLE)

    assert [line["type"] for line in await lines(penguin, "--type", "slicestarted")] == [
        "SliceStarted"
    ]
    assert {line["topic"] for line in await lines(penguin, "--topic", "requests")} == {
        "pm.requests"
    }
    assert len(await lines(penguin, "--tenant", TENANT)) == 6
    assert len(await lines(penguin, "--tenant", TENANT, "--limit", "2")) == 2
    assert await lines(penguin, "--tenant", "ten_other") == []


async def test_events_for_people_are_single_lines(penguin: Penguin, log: Write) -> None:
    await log(WHOLE)

    told = run(penguin("events", "--tenant", TENANT))[0].splitlines()

    assert len(told) == 6
    assert any("pm.requests" in line and "send_ids=[4 values]" in line for line in told)


@pytest.mark.parametrize(
    ("option", "named"), [("--type", "SliceStarted"), ("--topic", "pm.due.high")]
)
async def test_an_unknown_name_is_exit_2_and_the_known_are_named(
    penguin: Penguin, option: str, named: str
) -> None:
    _, told = run(penguin("events", option, "nonsense"), 2)

    assert named in told


async def test_what_cannot_be_read_is_shown_as_such(
    penguin: Penguin, log: Write, poison: Write
) -> None:
    await poison(Topic.SIGNALS)

    (line,) = await lines(penguin, "--type", "undecodable")

    assert (line["type"], line["claimed_type"]) == ("undecodable", "SliceStarted")
    assert line["reason"]


async def test_follow_goes_on_until_interrupted_and_stops_cleanly(
    penguin: Penguin, log: Write
) -> None:
    await log(WHOLE)
    process = penguin("events", "--json", "--follow", "--tenant", TENANT)
    assert process.stdout
    assert len([process.stdout.readline() for _ in WHOLE]) == len(WHOLE)

    await log([started("rel_9")])
    assert json.loads(process.stdout.readline())["data"]["release_id"] == "rel_9"

    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert told == ""


async def test_a_reader_that_had_enough_ends_it_cleanly(penguin: Penguin, log: Write) -> None:
    await log(WHOLE)
    process = penguin("events", "--follow")
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline()
    process.stdout.close()

    await log([started(f"rel_{number}") for number in range(5)])

    code = process.wait(timeout=30)
    assert (code, process.stderr.read()) == (0, "")
