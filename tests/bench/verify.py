"""What the proof takes over a large log: time, memory, and with the receiving side's record.

    python tests/bench/verify.py --bootstrap HOST:PORT [--sends 2000000] [--json]

Writes made-up batches straight to topics of their own (removed at the end): of a thousand sends 25
are rejected, 2 ambiguous, 30 deferred once and accepted then. Then runs `penguin verify` in a
process of its own, without and with `--against-sink`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from adapters import kafka_log
from adapters.kafka_log import Draft, KafkaLog, now_meta
from domain.event import Event
from tests.verify_kit import CAMPAIGN, NOON, TENANT, audience, launched, outcomes, planned, started

SIZE = 500
AT_ONCE = 40  # batches
#: index ranges of a batch of 500 at its first attempt
FIRST = {"rejected": [[0, 12]], "ambiguous": [[12, 13]], "deferred": [[13, 28]]}
REST = [[28, SIZE]]
AGAIN = [[13, 28]]
WHAT = ("ok", "records", "sends", "elapsed_s", "sends_per_s")


def batch(number: int) -> Iterator[Event]:
    """The facts of one batch, as a campaign leaves them."""
    name, release, ip = f"bat_{number}", f"rel_{number}", f"ip_{number % 8}"
    common: dict[str, Any] = {"batch_id": name, "cap_day": NOON.date(), "ip": ip}
    late = {"deadline_at": NOON + timedelta(minutes=1)}
    yield planned(name, SIZE)
    yield started(release, 1, [[0, SIZE]], **common, **late)
    yield outcomes(FIRST, release, batch=name)
    yield outcomes({"accepted": REST}, release, batch=name)
    yield started(f"{release}_2", 2, AGAIN, **common, **late)
    yield outcomes({"accepted": AGAIN}, f"{release}_2", 2, batch=name)


async def fill(bootstrap: str, prefix: str, batches: int, sink: Path) -> None:
    """The log of so many batches, and the record of what was received of them."""
    await kafka_log.ensure_topics(bootstrap, prefix, 1)
    with sink.open("wb") as received:
        async with KafkaLog(bootstrap, prefix) as log:
            await log.append(_drafts([launched(), audience(batches * SIZE, batches)]))
            for first in range(0, batches, AT_ONCE):
                facts: list[Event] = []
                for number in range(first, min(batches, first + AT_ONCE)):
                    facts.extend(batch(number))
                    received.write(_received(facts[-6]))
                await log.append(_drafts(facts))


def _received(plan: Any) -> bytes:
    taken = plan.send_ids[12:]
    return b"".join(
        b'{"time":"2026-03-01T12:00:00+00:00","recipient":"someone@example.test",'
        b'"message_id":"%s@example.test","mail_from":"b@example.test","mx":"mx","size":1234,'
        b'"acknowledged":true}\n' % send_id.removeprefix("snd_").encode()
        for send_id in taken
    )


def _drafts(events: list[Event]) -> list[Draft]:
    return [Draft(str(type(one).event_type.topics[0]), one, now_meta(TENANT)) for one in events]


def proven(bootstrap: str, prefix: str, *options: str) -> dict[str, Any]:
    """`penguin verify` in its own process: what it says, its CPU time and its peak memory."""
    environment = os.environ | {"PM_KAFKA_BOOTSTRAP": bootstrap, "PM_PREFIX": prefix}
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.cli", "verify", "--json", *options],
        env=environment, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    said = json.loads(process.stdout.read())
    _, _, usage = os.wait4(process.pid, 0)
    cpu_s = usage.ru_utime + usage.ru_stime
    return {name: said[name] for name in WHAT} | {
        "cpu_s": round(cpu_s, 1),
        "sends_per_cpu_s": round(said["sends"] / cpu_s),
        "memory_mb": usage.ru_maxrss // 1024,
        "bytes_per_send": round(usage.ru_maxrss * 1024 / said["sends"]),
    }


async def remove(bootstrap: str, prefix: str) -> None:
    """The topics that were made."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics([prefix + name for name in kafka_log.declared_topics()])
    await admin.close()


def main() -> None:
    """Fill, measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--sends", type=int, default=2_000_000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    prefix = f"v{uuid.uuid4().hex[:10]}."
    with tempfile.TemporaryDirectory() as folder:
        sink = Path(folder) / "received.jsonl"
        try:
            asyncio.run(fill(args.bootstrap, prefix, args.sends // SIZE, sink))
            found = {
                "log": proven(args.bootstrap, prefix, "--campaign", CAMPAIGN),
                "against_sink": proven(args.bootstrap, prefix, "--against-sink", str(sink)),
            }
        finally:
            asyncio.run(remove(args.bootstrap, prefix))
    print(json.dumps(found) if args.json else "\n".join(f"{k}: {v}" for k, v in found.items()))


if __name__ == "__main__":
    main()
