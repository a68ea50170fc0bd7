"""Commands over HTTP meanwhile: what was acknowledged must be in the log, once, and nothing else.

An unanswered or refused command is asked again under the same Idempotency-Key until it is answered.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from adapters import codec
from domain.event import Topic
from ops import log_tail
from ops.stack.stack import Stack
from ops.where import Where

CREATED, UNAVAILABLE = 201, 503
TIMEOUT_S = 10.0
ANSWERS_WITHIN_S = 2.5  # 2 s, and what the machine needs to get around to it
TRIES_MAX = 2000
AGAIN_AFTER_S, AGAIN_AFTER_MAX_S = 0.2, 1.0  # longer after each time in vain


@dataclass
class Caller:
    """Makes lists at a steady pace until `stop`."""

    stack: Stack
    tenant_id: str
    name: str  # of the run: begins its keys
    per_s: float
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged: dict[str, str] = field(default_factory=dict)  # key → list id
    answers: Counter[str] = field(default_factory=Counter)
    without_retry_after: int = 0
    slow_refusals: int = 0
    unanswered: int = 0
    slowest_refusal_s: float = 0.0

    async def call(self) -> None:
        """Call until told to stop; returns when the last call is answered."""
        number, running = 0, set[asyncio.Task[None]]()
        while self.per_s and not self.stop.is_set():
            number += 1
            task = asyncio.create_task(self._until_answered(f"{self.name}-{number}"))
            running.add(task)
            task.add_done_callback(running.discard)
            await asyncio.sleep(1 / self.per_s)
        if running:
            await asyncio.wait(running)

    async def _until_answered(self, key: str) -> None:
        for tries in range(1, TRIES_MAX):
            again_s = await asyncio.to_thread(self._ask, key)
            if again_s is None:
                return
            await asyncio.sleep(max(again_s, min(AGAIN_AFTER_S * tries, AGAIN_AFTER_MAX_S)))
        self.unanswered += 1

    def _ask(self, key: str) -> float | None:
        """None once the command was answered for good, else after how long to ask again."""
        began = time.monotonic()
        request = urllib.request.Request(  # noqa: S310 - the stack's own address
            f"{self.stack.api_url}/v1/lists",
            json.dumps({"name": key}).encode(),
            {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self.stack.api_token}",
                "X-Tenant": self.tenant_id,
                "Idempotency-Key": key,
            },
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                self.answers[str(answer.status)] += 1
                self.acknowledged[key] = json.load(answer)["list_id"]
                return None
        except urllib.error.HTTPError as refused:
            return self._refused(refused, time.monotonic() - began)
        except (OSError, ValueError, KeyError):  # nobody there, or it died while answering
            self.answers["none"] += 1
        return AGAIN_AFTER_S

    def _refused(self, refused: urllib.error.HTTPError, took_s: float) -> float:
        """As the answer asks for."""
        self.answers[str(refused.code)] += 1
        if refused.code == UNAVAILABLE:
            self.without_retry_after += not refused.headers.get("Retry-After")
            self.slow_refusals += took_s > ANSWERS_WITHIN_S
            self.slowest_refusal_s = max(self.slowest_refusal_s, took_s)
        refused.close()
        return float(refused.headers.get("Retry-After") or AGAIN_AFTER_S)

    def counts(self) -> dict[str, Any]:
        """What was answered."""
        return {
            "acknowledged": len(self.acknowledged),
            "answers": dict(sorted(self.answers.items())),
            "slowest_503_s": round(self.slowest_refusal_s, 2),
        }

    async def judged(self, where: Where) -> list[str]:
        """What does not hold of the calls."""
        if not self.per_s:
            return []
        made = await _lists_made(where, self.tenant_id, set(self.acknowledged.values()))
        lost = [each for each in self.acknowledged.values() if not made[each]]
        twice = [each for each, count in made.items() if count > 1]
        slow = f"longer than {ANSWERS_WITHIN_S} s, the slowest {self.slowest_refusal_s:.1f} s"
        findings = (
            (len(lost), "acknowledged commands are not in the log"),
            (len(twice), "acknowledged commands are in the log more than once"),
            (len(self.acknowledged) - len(set(self.acknowledged.values())), "lists share an id"),
            (self.without_retry_after, "answers 503 came without Retry-After"),
            (self.slow_refusals, f"answers 503 took {slow}"),
            (self.unanswered, "commands were never answered"),
        )
        return [f"{count} {what}" for count, what in findings if count]


async def _lists_made(where: Where, tenant_id: str, wanted: set[str]) -> Counter[str]:
    """How often each list of the tenant was made, each record id counted once."""
    made: Counter[str] = Counter()
    seen: set[str] = set()
    async with log_tail.opened(where.bootstrap, where.prefix, (Topic.DECISIONS,)) as tail:
        async for records in tail.until(await tail.ends()):
            for record in records:
                found = codec.recorded(record)
                new = found.meta.id not in seen
                seen.add(found.meta.id)
                list_id = getattr(found.event, "list_id", "")
                is_made = found.event.event_type.name == "ListCreated"
                if new and is_made and list_id in wanted and found.meta.tenant_id == tenant_id:
                    made[list_id] += 1
    return made
