"""What the log holds and what it never holds; what becomes of records that nobody understands."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from adapters.kafka_log import declared_topics
from tests.main_job_kit import MainJob, wait_until

pytestmark = pytest.mark.stack

#: None of these words may be found where they do not belong, in any case.
CANARY = "kanarie"
LETTER = f"""---
subject: {CANARY}-subject for {{{{ first_name }}}}
text: |
  {CANARY}-text {{{{ city }}}}
---
<p>{CANARY}-html {{{{ first_name }}}} {{{{ city }}}} <a href="https://{CANARY}-link.example/x">x</a></p>
"""
#: Local parts that make the mailbox answer in every way, with a word that would be seen.
LOCALS = (
    *("plain", "unknown", "policy", "policy-data", "full5", "reject-data", "greylist"),
    *("drop-after-dot", "drop-at-dot", "drop-before-dot", "full", "tempfail"),
)
TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname IN ('es', 'pipeline', 'app', 'rm')
"""
FIELDS = {"topic", "partition", "offset", "type", "id", "time", "tenant_id", "data"}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainJob]:
    """A stack whose retries take seconds."""
    data = tmp_path_factory.mktemp("log")
    job = MainJob(data, latency_ms=0, settings={"PM_RETRY_SCALE": "0.00001"})
    job.up()
    yield job
    job.run("down")


def records(job: MainJob) -> list[Any]:
    """Every record of every topic, dead letters included."""
    bootstrap = job.addresses["bootstrap"]
    return asyncio.run(_records(bootstrap))


async def _records(bootstrap: str) -> list[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [
            TopicPartition(name, number)
            for name, declared in declared_topics().items()
            for number in range(declared["partitions"])
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        found: list[Any] = []
        while any([await consumer.position(each) < ends[each] for each in partitions]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += batch
        return found
    finally:
        await consumer.stop()


def all_bytes(record: Any) -> bytes:
    headers = b" ".join(name.encode() + b"=" + value for name, value in record.headers)
    return b" ".join((record.key or b"", record.value or b"", headers)).lower()


def rows_of(job: MainJob, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(job.addresses["dsn"]) as conn:
        return conn.execute(statement.encode()).fetchall()


@pytest.fixture(scope="module")
def told(job: MainJob) -> dict[str, Any]:
    """A campaign of which everything that is personal says so, with every kind of answer."""
    rows = [f"{x}-{CANARY}-1@canaries.example,{CANARY}-name,{CANARY}-city" for x in LOCALS]
    rows += [f"{CANARY}@nxdomain1.example,{CANARY},", f"{CANARY}@nullmx1.example,{CANARY},"]
    rows += [f"{CANARY}-garbage,x,y", f'{CANARY}@@x.example,"{CANARY}', f"a@b.example,{CANARY}"]
    csv, template = job.data / f"{CANARY}.csv", job.data / f"{CANARY}.html"
    csv.write_text("email,first_name,city\n" + "\n".join(rows) + "\n")
    template.write_text(LETTER)
    sender = f"{CANARY} name <{CANARY}-from@sender.example>"
    order = ("--csv", str(csv), "--template", str(template), "--from", sender)
    found: dict[str, Any] = job.run("send", *order, "--name", f"{CANARY}-campaign", "--wait")
    return found


def test_i10_nothing_personal_is_in_the_log(job: MainJob, told: dict[str, Any]) -> None:
    """Keys, values and headers of every topic, and the decisions' own tables."""
    assert told["requested"] == len(LOCALS) + 2
    assert told["import"]["rejected"] == 3
    assert told["accepted"] == 2
    assert min(told["rejected"], told["ambiguous"], told["expired"]) > 0
    assert told["open"] == 0
    wait_until(lambda: len(job.lines("events", "--type", "ContactSuppressed")) >= 3)
    word = CANARY.encode()
    assert word in _bytes(*rows_of(job, "SELECT address, fields FROM vault.contact"))

    kept = records(job)
    assert {record.topic for record in kept} >= {"pm.decisions", "pm.requests", "pm.attempts"}
    assert [record.topic for record in kept if word in all_bytes(record)] == []

    tables = [row[0] for row in rows_of(job, TABLES)]
    assert "es.decision_events" in tables
    for table in tables:
        assert word not in _bytes(*rows_of(job, f"SELECT * FROM {table}")), table  # noqa: S608 - quoted


def _bytes(*rows: tuple[Any, ...]) -> bytes:
    cells = (c if isinstance(c, bytes) else str(c).encode() for row in rows for c in row)
    return b" ".join(cells).lower()


def test_i10_no_log_file_names_anybody(job: MainJob, told: dict[str, Any]) -> None:
    """What processes write down for operators holds ids, never addresses."""
    assert told["open"] == 0
    files = sorted((job.data / "logs").glob("*.log"))

    assert {"dispatcher.log", "sink.log", "postgres.log"} <= {path.name for path in files}
    assert [path.name for path in files if CANARY.encode() in path.read_bytes().lower()] == []


def test_events_are_lines_with_the_promised_fields(job: MainJob, told: dict[str, Any]) -> None:
    lines = job.lines("events")

    readable = [line for line in lines if line["type"] != "undecodable"]
    assert {frozenset(line) for line in readable} == {frozenset(FIELDS)}
    assert max(datetime.fromisoformat(x["time"]) for x in readable) <= datetime.now(UTC)
    assert {"CampaignLaunched", "BatchPlanned", "SliceReleased"} <= {x["type"] for x in lines}
    launches = job.lines("events", "--type", "campaignlaunched")
    assert launches == [line for line in lines if line["type"] == "CampaignLaunched"]
    (tenant,) = {x["tenant_id"] for x in launches}
    assert told["campaign_id"] in {x["data"]["campaign_id"] for x in launches}
    assert {line["topic"] for line in job.lines("events", "--topic", "attempts")} == {"pm.attempts"}
    of_tenant = job.lines("events", "--tenant", tenant)
    assert of_tenant == [line for line in lines if line["tenant_id"] == tenant]
    assert job.lines("events", "--tenant", "ten_nobody") == []
    assert job.lines("events", "--limit", "3") == lines[:3]


def test_followed_events_come_as_they_happen_until_it_is_interrupted(job: MainJob) -> None:
    follower = job.start("events", "--type", "CampaignLaunched", "--follow")
    assert follower.stdout is not None
    found = job.run(*job.order(job.write_leads("followed", 2)), "--wait")

    seen = ""
    while seen != found["campaign_id"]:
        seen = json.loads(follower.stdout.readline())["data"]["campaign_id"]
    follower.send_signal(signal.SIGINT)
    out, err = follower.communicate(timeout=30)

    assert (follower.returncode, out, err) == (130, "", "")


def test_i8_a_rebuild_reads_the_whole_log_and_sends_nothing(
    job: MainJob, told: dict[str, Any]
) -> None:
    """I9 too: what is rebuilt equals what is live. The mailbox sees no connection, no mail."""
    assert told["open"] == 0
    before = _contacts(job)

    for model in ("send_ledger", "sending_ips"):
        rebuilt = job.run("projections", "rebuild", model)
        assert (rebuilt["equal"], rebuilt["swapped"]) == (True, True)
        assert rebuilt["records"] > 0

    assert _contacts(job) == before
    assert job.run("campaign", "watch", told["campaign_id"])["accepted"] == told["accepted"]


def _contacts(job: MainJob) -> tuple[int, int]:
    """Mails that the mailbox took, and attempts that the log knows."""
    received = (job.data / "sink" / "received.jsonl").read_bytes().count(b"\n")
    return received, len(job.lines("events", "--type", "SliceStarted"))


#: Topic → an event type that is at home there, under whose name garbage comes too.
POISONED = {
    "pm.decisions": "CampaignLaunched",
    "pm.requests": "BatchPlanned",
    "pm.attempts": "OutcomesRecorded",
    "pm.due.normal": "SliceReleased",
}
#: Whose dead letters come from where. The planner looks only at types that it knows.
LETTERS = {
    "pm.planner.dlq": {"pm.decisions", "pm.attempts"},
    "pm.schedule.dlq": {"pm.decisions", "pm.requests", "pm.attempts"},
    "pm.projections.dlq": {"pm.decisions", "pm.requests", "pm.attempts"},
    "pm.dispatcher.dlq": {"pm.due.normal"},
}


async def _poison(bootstrap: str) -> None:
    """On every partition: garbage, a type from the future, garbage under a known name."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for topic, known in POISONED.items():
            for number in range(_partitions(topic)):
                for value, headers in (
                    (b"\xff\0garbage", []),
                    (b'{"a": 1}', _headers("FromTheFuture")),
                    (b"[]", _headers(known)),
                ):
                    await producer.send_and_wait(topic, value, headers=headers, partition=number)


def _headers(name: str) -> list[tuple[str, bytes]]:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"evt_poison"),
        ("ce_type", name.encode()),
        ("ce_source", b"/penguinmails"),
        ("ce_time", b"2026-01-01T00:00:00Z"),
        ("content-type", b"application/json"),
        ("v", b"1"),
        ("tenant", b"ten_poison"),
    ]


def test_poison_is_put_aside_named_and_stops_nobody(job: MainJob) -> None:
    asyncio.run(_poison(job.addresses["bootstrap"]))

    found = job.run(*job.order(job.write_leads("after", 300)), "--sign", "none", "--wait")

    assert (found["accepted"], found["state"]) == (300, "finished")
    for letters, origins in LETTERS.items():
        wait_until(partial(_holds, job, letters, origins))
    checks = {check["name"]: check for check in job.run("doctor", ok=1)["checks"]}
    bad = {name for name, check in checks.items() if not check["ok"]}
    assert bad == {f"dead letters {letters}" for letters in LETTERS}
    assert all(letters in checks[f"dead letters {letters}"]["cure"] for letters in LETTERS)
    assert all(process["restarts"] == 0 for process in job.run("status")["processes"])
    proof = job.run("verify", "--campaign", found["campaign_id"], ok=1)
    assert set(proof["violations_by_kind"]) == {"undecodable"}
    assert proof["campaigns"][0]["accepted"] == 300


def _holds(job: MainJob, letters: str, origins: set[str]) -> bool:
    """Whether the letters have come from every partition of these topics, each with its reason."""
    lines = job.lines("events", "--topic", letters)
    assert all(line["dlq_reason"] and line["type"] == "undecodable" for line in lines)
    places = {tuple(line["dlq_origin"].split("/")[:2]) for line in lines}
    wanted = {(topic, str(n)) for topic in origins for n in range(_partitions(topic))}
    assert places <= wanted
    return places == wanted


def _partitions(topic: str) -> int:
    return int(declared_topics()[topic]["partitions"])
