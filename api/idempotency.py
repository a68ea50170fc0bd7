"""A command under an Idempotency-Key runs once; repeating it gives the answer of the first time.

The key is reserved for the tenant before the work begins, and the answer is kept, sealed, for
seven days. Answers of faults (5xx) are not kept, nor refusals of a request that never began. What a
process held that died is free for its next life, and for others when the lease is over; then the
command runs again and makes the same ids (`Desk.fresh_id`). Where no secret key is set nothing can
be sealed, and nothing is kept.
"""

from __future__ import annotations

import asyncio
import base64
import os
from dataclasses import dataclass
from hashlib import blake2b
from time import monotonic
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.sealing import Seals, Unopened, field
from api.answers import carried
from api.problems import Problem
from api.strict import WRITES
from projections.reads import WAITED, Away, Reads

log = structlog.get_logger()
DAYS_KEPT = 7
LEASE_S = 60  # longer than any command may take
WAIT_MAX_S = 2.0
LOOK_EVERY_S = 0.05
FREE_AGAIN_S = 1.0
BYTES_MAX = 256 * 1024  # a longer answer is not kept: its command runs again
KEPT_HEADERS = frozenset({"content-type", "etag", "location", "pm-position"})
#: Answers of a request that did not begin: asking again may well begin it.
NOT_KEPT = frozenset({401, 403, 413, 415, 429})

_freeing: set[asyncio.Task[None]] = set()  # who is freed once Postgres is back

RESERVE = """
INSERT INTO app.keyed_answer AS k (tenant_id, key, request, holder, lease_until, expires_at)
VALUES (%(tenant_id)s, %(key)s, %(request)s, %(holder)s,
        clock_timestamp() + make_interval(secs => %(lease_s)s),
        clock_timestamp() + make_interval(days => %(days)s))
ON CONFLICT (tenant_id, key) DO UPDATE SET request = excluded.request, holder = excluded.holder,
  lease_until = excluded.lease_until, expires_at = excluded.expires_at, sealed = NULL
WHERE k.expires_at < clock_timestamp()
   OR k.sealed IS NULL AND k.request = excluded.request AND (
     k.lease_until < clock_timestamp()
     OR starts_with(k.holder, %(process)s) AND NOT starts_with(k.holder, %(life)s))
RETURNING holder
"""
LOOK = """
SELECT request, sealed FROM app.keyed_answer WHERE tenant_id = %(tenant_id)s AND key = %(key)s
"""
KEEP = """
UPDATE app.keyed_answer SET sealed = %(sealed)s
WHERE tenant_id = %(tenant_id)s AND key = %(key)s AND holder = %(holder)s RETURNING key
"""
FREE = """
DELETE FROM app.keyed_answer
WHERE tenant_id = %(tenant_id)s AND key = %(key)s AND holder = %(holder)s RETURNING key
"""


@dataclass(frozen=True)
class Life:
    """One life of a process. `process` is the name of no other that runs at the same time."""

    process: str
    token: str

    @classmethod
    def begun(cls, process: str) -> Life:
        """The one that begins now."""
        return cls(process, os.urandom(6).hex())

    def values(self) -> dict[str, str]:
        """Of RESERVE: who asks, and how holders of this process and of this life begin."""
        process = f"{self.process}:"
        life = f"{process}{self.token}:"
        return {"process": process, "life": life, "holder": life + os.urandom(8).hex()}


@dataclass(frozen=True)
class Reserved:
    """A key that this request holds, until its answer is kept or the key is free again."""

    reads: Reads
    seals: Seals
    tenant_id: str
    key: str
    holder: str

    async def keep(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Keep the answer; or free the key, for an answer that is not to be given again."""
        answer = {"status": status, "headers": headers, "body": base64.b64encode(body).decode()}
        if status >= 500 or status in NOT_KEPT or len(body) > BYTES_MAX:  # noqa: PLR2004
            await self.free()
            return
        try:
            sealed = self.seals.seal(orjson.dumps(answer), *_context(self.tenant_id, self.key))
        except Unopened:
            await self.free()
            return
        await self._write(KEEP, sealed=sealed)

    async def free(self) -> None:
        """Let the command run again: now, or, in an outage, once it is over."""
        if not await self._write(FREE):
            task = asyncio.create_task(self._free_later())
            _freeing.add(task)
            task.add_done_callback(_freeing.discard)

    async def _free_later(self) -> None:
        for _ in range(LEASE_S):  # then the lease is over as well
            await asyncio.sleep(FREE_AGAIN_S)
            if await self._write(FREE):
                return

    async def _write(self, statement: Any, **values: Any) -> bool:
        """Whether Postgres was there. The answer is ready: its caller waits for this briefly."""
        before = WAITED.set(WAIT_MAX_S)
        try:
            async with self.reads.of(self.tenant_id) as bound:
                await bound.rows(statement, key=self.key, holder=self.holder, **values)
        except Away:  # the lease ends, and the command may run again
            log.warning("answer_not_kept", tenant_id=self.tenant_id)
            return False
        finally:
            WAITED.reset(before)
        return True


class Replayed(Exception):  # noqa: N818 - an answer, not an error
    """The answer of the first time, given instead of running the command again."""

    def __init__(self, kept: dict[str, Any]) -> None:
        super().__init__()
        self.kept = kept


async def reserve(
    request: Request, reads: Reads, life: Life, seals: Seals, tenant_id: str, actor: str, key: str
) -> None:
    """Hold the key for this request before its work begins.

    Raises Replayed when it was answered already, Problem idempotency_key_reused for another
    request under the key, in_progress when the first one still runs after WAIT_MAX_S.
    """
    if not key or request.method not in WRITES:
        return
    digest = _digest(request, actor)
    asking = life.values()
    until = monotonic() + WAIT_MAX_S
    while True:
        async with reads.of(tenant_id) as bound:
            values = {"key": key, "request": digest, **asking}
            if await bound.rows(RESERVE, lease_s=LEASE_S, days=DAYS_KEPT, **values):
                held = Reserved(reads, seals, tenant_id, key, asking["holder"])
                request.scope["pm.reserved"] = held
                return
            found = await bound.rows(LOOK, key=key)
        if found:
            _judge(found[0], digest, seals, _context(tenant_id, key))
        if monotonic() >= until:
            raise Problem("in_progress", "the first request with this key still runs", wait_s=1)
        await asyncio.sleep(LOOK_EVERY_S)


def _judge(row: dict[str, Any], digest: bytes, seals: Seals, context: tuple[str, ...]) -> None:
    """Raises Replayed or Problem; returns while there is no answer yet."""
    if bytes(row["request"]) != digest:
        raise Problem(
            "idempotency_key_reused",
            "Idempotency-Key: another request, or another caller's, had it; make a new key",
        )
    if row["sealed"] is not None:
        try:
            raise Replayed(orjson.loads(seals.open(row["sealed"], *context)))
        except Unopened as error:
            raise Problem(
                "idempotency_key_reused", "Idempotency-Key: its answer cannot be read any more"
            ) from error


def _context(tenant_id: str, key: str) -> tuple[str, ...]:
    return field(tenant_id, "app.keyed_answer.sealed", key)


def _digest(request: Request, actor: str) -> bytes:
    """Which request it is: who asks, for what, with which body."""
    scope = request.scope
    parts = (
        actor.encode(),
        request.method.encode(),
        scope["path"].encode(),
        scope.get("query_string", b""),
        scope.get("body_digest", b""),
    )
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


class Answers:
    """Keeps what is answered to a request that holds a key; frees the key where nothing is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in WRITES:
            await self._app(scope, receive, send)
            return
        heard = _Heard(scope, send)
        try:
            await self._app(scope, receive, heard)
        except BaseException:
            if heard.reserved:
                await asyncio.shield(heard.reserved.free())
            raise


class _Heard:
    """Passes an answer on; its last part only after the answer is kept."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = b""

    @property
    def reserved(self) -> Reserved | None:
        found: Reserved | None = self._scope.get("pm.reserved")
        return found

    async def __call__(self, message: Message) -> None:
        if self.reserved:
            await self._hear(self.reserved, message)
        await self._send(message)

    async def _hear(self, reserved: Reserved, message: Message) -> None:
        if message["type"] == "http.response.start":
            told = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
            self._status = message["status"]
            self._headers = {n: v for n, v in told.items() if n in KEPT_HEADERS}
            return
        if len(self._body) <= BYTES_MAX:
            self._body += message.get("body", b"")
        if not message.get("more_body", False):
            began = not self._scope.get("pm.not_begun", False)
            status = self._status if began else 500
            await reserved.keep(status, self._headers, self._body)


def install(app: FastAPI) -> None:
    """Answer Replayed; a request that FastAPI finds invalid has not begun."""
    invalid = app.exception_handlers[RequestValidationError]

    async def replayed(request: Request, error: Replayed) -> Response:
        kept = error.kept
        carried(request.scope)["idempotency-replayed"] = "true"
        return Response(
            base64.b64decode(kept["body"]), status_code=kept["status"], headers=kept["headers"]
        )

    async def not_begun(request: Request, error: Exception) -> Response:
        request.scope["pm.not_begun"] = True
        answer: Response = await invalid(request, error)  # type: ignore[misc]
        return answer

    app.add_exception_handler(Replayed, replayed)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, not_begun)
