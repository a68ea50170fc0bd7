"""How much may be asked: a rate per caller that all processes share, a bound on work at once.

429 is the caller's doing, 503 is ours; both say when to ask again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from math import ceil
from time import monotonic

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import carried
from api.plan_rates import PlanRates
from api.problems import Problem, answer
from api.strict import JSON, takes
from projections.reads import Reads

log = structlog.get_logger()
ADMIT = "SELECT admitted, ahead_s FROM app.admit(%(subject)s, %(each_s)s, %(burst_s)s)"
FORGET = "SELECT app.forget_manners(500)"
FORGET_EVERY = 2000  # admissions
REMEMBERED_MAX = 10_000  # refused subjects, so that a flood does not reach Postgres
#: Who keeps asking is admitted for several requests at once: so many at most, used within a second,
#: and never more than an eighth of what is left. What is not used then is lost to the caller.
AHEAD_MAX, AHEAD_S, AHEAD_SHARE = 16, 1.0, 8


@dataclass(frozen=True)
class Allowance:
    """So many requests a minute, and so many at once after a pause. 0 a minute: no limit."""

    per_min: int
    burst: int

    @property
    def each_s(self) -> float:
        return 60 / self.per_min

    @property
    def burst_s(self) -> float:
        return self.burst * self.each_s

    def headers(self, ahead_s: float) -> dict[str, str]:
        """What is left, as the draft of the IETF says it (draft-10), and as others said before."""
        left = max(0, int((self.burst_s - ahead_s) / self.each_s + 1e-6))
        full_s = ceil(ahead_s)
        return {
            "ratelimit-policy": f'"default";q={self.per_min};w=60;pm-burst={self.burst}',
            "ratelimit": f'"default";r={left};t={full_s}',
            "x-ratelimit-limit": str(self.per_min),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-reset": str(full_s),
        }

    def wait_s(self, ahead_s: float) -> int:
        """Until one more is admitted."""
        return max(1, ceil(ahead_s + self.each_s - self.burst_s))


CALLERS = Allowance(300, 500)  # of who has no plan: as the middle one (api/plan_rates.py)
STRANGERS = Allowance(120, 120)  # of one IP: logging in, signing up


@dataclass
class Taken:
    """Requests of one subject that Postgres admitted ahead; `since` as the clock tells."""

    size: int
    left: int
    ahead_s: float  # as of `since`, all of them counted
    since: float


@dataclass
class Rates:
    """Admits requests. Subjects are digests: which key or IP asks stands nowhere.

    Postgres counts for all processes. Each takes ahead for who keeps asking it, so that no limit is
    ever passed, and most requests cost no look at Postgres.
    """

    callers: Allowance = CALLERS
    strangers: Allowance = STRANGERS
    clock: Callable[[], float] = monotonic
    _refused: dict[bytes, float] = field(default_factory=dict)
    _taken: dict[bytes, Taken] = field(default_factory=dict)
    _admitted: int = 0

    async def caller(self, reads: Reads, scope: Scope, tenant_id: str, actor: str) -> None:
        """One request of a caller who is known. Raises Problem rate_limited."""
        most = self.callers
        if most.per_min and (plan := await self.plans.of(reads, tenant_id)):
            most = Allowance(plan.per_min, plan.burst)
        await self._admit(reads, scope, most, "caller", tenant_id, actor)

    @cached_property
    def plans(self) -> PlanRates:
        """The plans of tenants; who has none is bound by `callers`."""
        return PlanRates(self.clock)

    async def stranger(self, reads: Reads, scope: Scope, ip: str) -> None:
        """One request of somebody who is not known (yet), by IP. Raises Problem rate_limited."""
        await self._admit(reads, scope, self.strangers, "ip", ip)

    async def unknown(self, reads: Reads, scope: Scope, ip: str) -> None:
        """One request with a token that nobody has, by IP. Raises Problem rate_limited."""
        await self._admit(reads, scope, self.callers, "unknown", ip)

    async def _admit(self, reads: Reads, scope: Scope, most: Allowance, *who: str) -> None:
        if not most.per_min:
            return
        subject = blake2b("\0".join(who).encode(), digest_size=16).digest()
        ahead_s = self._refused.get(subject, 0.0) - self.clock()
        admitted = False
        if ahead_s + most.each_s <= most.burst_s:
            admitted, ahead_s = await self._take(reads, subject, most)
        carried(scope).update(most.headers(ahead_s))
        if not admitted:
            self._remember(subject, ahead_s)
            raise Problem(
                "rate_limited",
                f"more than {most.per_min} requests a minute",
                wait_s=most.wait_s(ahead_s),
            )

    async def _take(self, reads: Reads, subject: bytes, most: Allowance) -> tuple[bool, float]:
        """Whether one more is admitted, and how far the subject has used up its allowance."""
        now, taken, size = self.clock(), self._taken.get(subject), 1
        if taken and now - taken.since < AHEAD_S:
            if taken.left:
                taken.left -= 1
                return True, max(0.0, taken.ahead_s - (now - taken.since))
            room = (most.burst_s - taken.ahead_s) / most.each_s
            size = max(1, min(taken.size * 2, AHEAD_MAX, int(room / AHEAD_SHARE)))
        admitted, ahead_s = await self._ask(reads, subject, most, size)
        if not admitted and size > 1:  # another process took from the same allowance
            size = 1
            admitted, ahead_s = await self._ask(reads, subject, most, size)
        if len(self._taken) >= REMEMBERED_MAX:
            self._taken.clear()
        self._taken[subject] = Taken(size, size - 1 if admitted else 0, ahead_s, now)
        return admitted, ahead_s

    async def _ask(
        self, reads: Reads, subject: bytes, most: Allowance, size: int
    ) -> tuple[bool, float]:
        async with reads.of_nobody() as bound:
            (row,) = await bound.rows(
                ADMIT, subject=subject, each_s=most.each_s * size, burst_s=most.burst_s
            )
            self._admitted += 1
            if self._admitted % FORGET_EVERY == 0:
                await bound.rows(FORGET)
        return bool(row["admitted"]), float(row["ahead_s"])

    def _remember(self, subject: bytes, ahead_s: float) -> None:
        if len(self._refused) >= REMEMBERED_MAX:
            self._refused.clear()
        self._refused[subject] = self.clock() + ahead_s


#: What is let go first when too much is asked at once: the share of the bound up to which it is
#: still taken. Logging in, unsubscribing, what providers tell us, and stopping mail are never shed.
SHED = (
    (re.compile(r"/(v1/(auth|unsubscribe|hooks|webhooks-in)|health|u|c|o)(/.*)?"), 2.0),
    (re.compile(r".*/(pause|cancel|logout)"), 2.0),
    (re.compile(r"/v1/(exports?|tenant/exports?|.*/export)(/.*)?"), 0.5),
    (re.compile(r"/v1/(overview|analytics(/.*)?|usage(/.*)?)"), 0.6),
)
SHARE_OF_LISTS, SHARE_OF_THINGS, SHARE_OF_WRITES = 0.75, 0.85, 1.0
IN_FLIGHT_MAX = 64
ANSWER_MAX_S = 30.0
UPLOAD_MAX_S = 900.0  # 100 MiB at 1 Mbit/s
OVERLOADED_WAIT_S = 1
STREAM = b"text/event-stream"


def share(method: str, path: str) -> float:
    """Up to which part of the bound a request of this kind is taken."""
    for pattern, found in SHED:
        if pattern.fullmatch(path):
            return found
    if method != "GET":
        return SHARE_OF_WRITES
    return SHARE_OF_LISTS if path.count("/") <= 2 else SHARE_OF_THINGS  # noqa: PLR2004 - /v1/things


class InFlight:
    """Bounds how many requests are worked on at once, and how long each may take to answer.

    A file that is sent may take longer to come in than a JSON body to be answered.

    One that takes longer is answered `timed_out` and goes on: a command may still happen. Streams
    of changes are bounded by their own route, not here.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most: int = IN_FLIGHT_MAX,
        answer_max_s: float = ANSWER_MAX_S,
        upload_max_s: float = UPLOAD_MAX_S,
    ) -> None:
        self._app = app
        self._most = most
        self._answer_max_s = answer_max_s
        self._upload_max_s = upload_max_s
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or streams(scope):
            await self._app(scope, receive, send)
            return
        if len(self._running) >= self._most * share(scope["method"], scope["path"]):
            told = "too much is asked at once"
            problem = Problem("overloaded", told, wait_s=OVERLOADED_WAIT_S)
            await answer(scope, problem)(scope, receive, send)
            return
        await self._bounded(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun, late = False, False
        file_comes = scope["method"] == "POST" and takes(scope["path"]) is not JSON
        answer_max_s = self._upload_max_s if file_comes else self._answer_max_s

        async def told(message: Message) -> None:
            nonlocal begun
            begun = True
            if not late:
                await send(message)

        task = asyncio.ensure_future(self._app(scope, receive, told))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            await asyncio.wait({task}, timeout=answer_max_s)
            if task.done() or begun:
                await task
                return
        except asyncio.CancelledError:
            task.cancel()
            raise
        late = True
        log.warning("request_timed_out", request_id=scope.get("request_id", ""))
        problem = Problem("timed_out", f"no answer within {answer_max_s} s", wait_s=2)
        await answer(scope, problem)(scope, receive, send)


def streams(scope: Scope) -> bool:
    """Whether a stream of changes is asked for, which goes on for long and costs little."""
    return any(name == b"accept" and STREAM in value for name, value in scope["headers"])


class Bugs:
    """A bug is answered `internal` and logged under the request's id; the answer tells no more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def told(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, told)
        except Exception:
            log.exception("request_failed", request_id=scope.get("request_id", ""))
            if scope["type"] != "http" or begun:
                raise
            problem = Problem("internal", "this is a fault of ours; it is in our log")
            await answer(scope, problem)(scope, receive, send)
