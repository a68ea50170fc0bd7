"""Three ways to send a campaign's mail, each to its last reply: ours, the obvious, smtp-source.

Ours is what a dispatcher runs from a claimed slice on: rendering, lanes, dot journal, judging,
outcome records as bytes. Only claim and Kafka are left out. The obvious way keeps no record at all.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import uvloop
from aiosmtplib import SMTP
from psycopg.types.range import Range

from adapters import codec
from adapters.dot_journal import DotJournal
from adapters.smtp_lane import Options, SmtpLanes
from domain.indexes import each
from domain.ports import NextHop, Route
from domain.sending import OutcomesRecorded
from streams.dispatching.claim import Recipient, Release, Slice
from streams.dispatching.dispatcher import Room
from streams.dispatching.dots import Dots
from streams.dispatching.outcomes import Outbox
from streams.dispatching.slice import Sending, SliceRun
from tests.bench.build import FIELDS, HTML, KEY, LAUNCHED_AT, ObviousWay, skeleton

SLICE = 500
TIMEOUT_S = 900.0
SLICES_MAX, SENDS_MAX = 200, 8000  # in flight, as in streams/dispatching/agent.py
SMTP_SOURCE = "PM_SMTP_SOURCE"
FOUND_IN = "/usr/sbin:/usr/lib/postfix/sbin"
RENDERER = skeleton(HTML, [])


@dataclass(frozen=True)
class Job:
    """What to send: so many mails to the sink on `port` over so many connections."""

    port: int
    mails: int
    connections: int


class Encoded:
    """`domain.ports.EventLog` that makes each record's bytes and counts outcomes; sends nothing."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()

    async def append(self, drafts: Sequence[Any], timeout_s: float = 30.0) -> None:  # noqa: ARG002 - its shape
        for draft in drafts:
            codec.encode(draft.event)
            codec.key_of(draft.event)
            codec.headers(draft.event, draft.meta, subject=draft.subject)
            if isinstance(draft.event, OutcomesRecorded):
                for result in draft.event.results:
                    self.outcomes[result["outcome"]] += sum(1 for _ in each(result["ranges"]))


class ToSink:
    """`domain.ports.Resolver` that leads every domain to the sink."""

    def __init__(self, port: int) -> None:
        self._route = Route("other", (NextHop("127.0.0.1", port),))

    async def route(self, domain: str) -> Route:  # noqa: ARG002 - the port's shape
        return self._route

    async def txt(self, name: str) -> list[str]:  # noqa: ARG002 - the port's shape
        return []


def claimed(number: int, size: int) -> Slice:
    """A slice as a claim gives it."""
    release = Release(
        release_id=f"rel_{number}",
        batch_id=f"bat_{number}",
        tenant_id="ten_bench",
        campaign_id="cmp_bench",
        step=1,
        n=1,
        ip="ip_bench",
        provider="other",
        ranges=[Range(0, size)],
        cap_day=LAUNCHED_AT.date(),
        cap_per_day=None,
        uses=[],
        deadline_at=datetime.now(UTC) + timedelta(seconds=TIMEOUT_S),
        left_s=TIMEOUT_S,
        content_id="cnt_bench",
        sender_id="sdr_bench",
        domain_id="dom_bench",
        sign="none",
        workspace_id="",
        message_class="bulk",
        launched_at=LAUNCHED_AT,
        source="",
        route="mx",
        relay_host="",
        relay_port=0,
    )
    return Slice(release, _recipients(number, size), RENDERER, time.monotonic() + TIMEOUT_S)


def _recipients(number: int, size: int) -> list[Recipient]:
    fields = orjson.dumps(FIELDS).decode()
    first = number * SLICE
    return [
        Recipient(index, f"lea_{first + index}", address(first + index), "rcpt.test", fields, None)
        for index in range(size)
    ]


def address(number: int) -> str:
    """The recipient of the n-th mail."""
    return f"lead{number}@rcpt.test"


async def lane(job: Job, slices: Sequence[Slice]) -> int:
    """Ours; how many mails were recorded as accepted."""
    log, room = Encoded(), Room(SLICES_MAX, SENDS_MAX)
    outbox, never = Outbox(log), asyncio.Event()
    with tempfile.TemporaryDirectory() as folder, DotJournal(Path(folder)) as journal:
        dots = Dots(journal)
        lanes = SmtpLanes(dots, Options(connections=job.connections))
        sending = Sending(log, outbox, lanes, ToSink(job.port), dots, "bench", KEY.decode())

        async def bring(one: Slice) -> None:
            await room.enter(len(one.recipients))
            try:
                await SliceRun(sending, one).bring(never)
            finally:
                room.leave(len(one.recipients))

        writing = asyncio.create_task(outbox.run())
        await asyncio.gather(*map(bring, slices))
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        await lanes.close()
    return log.outcomes["accepted"]


async def obvious(job: Job) -> int:
    """jinja2, EmailMessage, aiosmtplib, a kept connection per worker; how many were taken."""
    way, numbers = ObviousWay(), iter(range(job.mails))

    async def worker() -> int:
        client, sent = SMTP(hostname="127.0.0.1", port=job.port, start_tls=False), 0
        await client.connect()
        for number in numbers:
            to, send_id = address(number), f"snd_{number:026}"
            mail = way.build(to, send_id, FIELDS)
            await client.sendmail(f"bounce+{send_id}@example.com", [to], mail)
            sent += 1
        await client.quit()
        return sent

    return sum(await asyncio.gather(*(worker() for _ in range(job.connections))))


def send_lane(job: Job) -> float:
    """Seconds that our way took. Raises where not every mail was accepted."""
    sizes = [min(SLICE, job.mails - at) for at in range(0, job.mails, SLICE)]
    slices = [claimed(number, size) for number, size in enumerate(sizes)]
    began = time.monotonic()
    taken = uvloop.run(asyncio.wait_for(lane(job, slices), TIMEOUT_S))
    return _took(began, taken, job)


def send_obvious(job: Job) -> float:
    """Seconds that the obvious way took, on uvloop as ours."""
    began = time.monotonic()
    taken = uvloop.run(asyncio.wait_for(obvious(job), TIMEOUT_S))
    return _took(began, taken, job)


def send_smtp_source(job: Job) -> float:
    """Seconds that Postfix's load generator took: mails of one content, kept connections."""
    program = smtp_source()
    assert program is not None
    size = len(RENDERER.render(0, "snd_" + "a" * 26, address(0), FIELDS).wire)
    numbers = ("-s", str(job.connections), "-m", str(job.mails), "-l", str(size))
    envelope = ("-f", "bounce@example.com", "-t", address(0))
    began = time.monotonic()
    subprocess.run(
        [program, "-d", *numbers, *envelope, f"127.0.0.1:{job.port}"], check=True, timeout=TIMEOUT_S
    )
    return time.monotonic() - began


def smtp_source() -> str | None:
    """Where smtp-source is: PM_SMTP_SOURCE, PATH, Postfix's own folders; None: not here."""
    path = os.pathsep.join((os.environ.get("PATH", ""), FOUND_IN))
    return shutil.which(os.environ.get(SMTP_SOURCE) or "smtp-source", path=path)


def _took(began: float, taken: int, job: Job) -> float:
    took_s = time.monotonic() - began
    if taken != job.mails:
        raise RuntimeError(f"{taken} of {job.mails} mails were taken, so there is no figure")
    return took_s
