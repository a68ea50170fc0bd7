"""Worker processes that sign, so that signing takes every core and no time of an event loop.

Whatever goes wrong with them costs time alone: who asked gets None and signs itself.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import structlog

from adapters.message import signing_worker
from adapters.message.signing_worker import ANSWER

PROGRAM = Path(signing_worker.__file__)
#: For a free worker, and then for its answer: 50 RSA-2048 signatures take it 35 ms.
ANSWER_MAX_S = 5.0
RESTART_AFTER_S = 1.0
#: While one is signed the next one waits in the socket, so that a worker never waits for the loop.
REQUESTS_EACH = 2

log = structlog.get_logger(__name__)


class SigningPool:
    """Workers that start with the first request and are started again when they die.

    Lives in one event loop. As a context manager it ends its workers; they end with a killed
    process too.
    """

    def __init__(self, processes: int, *, answer_max_s: float = ANSWER_MAX_S) -> None:
        self._processes, self._answer_max_s = processes, answer_max_s
        self._keepers: list[asyncio.Task[None]] = []
        self._free: asyncio.Queue[_Worker] = asyncio.Queue()
        self._workers: set[_Worker] = set()

    @property
    def pids(self) -> list[int]:
        """Of the workers that run."""
        return [worker.pid for worker in self._workers]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the workers at once: they hold nothing. Requests under way get None. Repeatable."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def sign(self, private_der: bytes, digests: Sequence[bytes]) -> list[bytes] | None:
        """One signature per SHA-256 digest, in order; None: no worker made them in time."""
        if not self._keepers:
            loop = asyncio.get_running_loop()
            self._keepers = [loop.create_task(self._keep()) for _ in range(self._processes)]
        try:
            async with asyncio.timeout(self._answer_max_s):
                worker = await self._free_worker()
        except TimeoutError:
            return None
        return await self._answered(worker, private_der, digests)

    async def _answered(
        self, worker: _Worker, private_der: bytes, digests: Sequence[bytes]
    ) -> list[bytes] | None:
        try:
            async with asyncio.timeout(self._answer_max_s):
                return await worker.sign(private_der, digests)
        except TimeoutError:
            log.warning("signing_worker_silent", pid=worker.pid, after_s=self._answer_max_s)
            worker.end()
            return None
        finally:
            self._free.put_nowait(worker)

    async def _free_worker(self) -> _Worker:
        while (worker := await self._free.get()) not in self._workers:
            pass  # it died; its places go with it
        return worker

    async def _keep(self) -> None:
        """Keep one worker running."""
        while True:
            with suppress(OSError):  # it could not be started, or is gone: both end here
                await self._serve(await _Worker.started())
            log.warning("signing_worker_lost")
            await asyncio.sleep(RESTART_AFTER_S)

    async def _serve(self, worker: _Worker) -> None:
        self._workers.add(worker)
        for _ in range(REQUESTS_EACH):
            self._free.put_nowait(worker)
        try:
            await worker.serve()
        finally:
            self._workers.discard(worker)
            worker.end()


class _Worker:
    """One process and the requests that it has not answered yet, in order."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process, self._reader, self._writer = process, reader, writer
        self._asked: deque[tuple[int, asyncio.Future[list[bytes] | None]]] = deque()
        self._ended = False

    @classmethod
    async def started(cls) -> Self:
        """A new process. It inherits its end of the socket alone: no lock, no other's socket."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                # -P: its own folder is no place to import from. It is not waited for here.
                process = subprocess.Popen(  # noqa: ASYNC220 - vfork and exec: about 1 ms
                    [sys.executable, "-P", str(PROGRAM)],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                )
            except OSError:
                ours.close()
                raise
        try:
            return cls(process, *await asyncio.open_unix_connection(sock=ours))
        except BaseException:
            ours.close()
            process.kill()
            process.wait()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    async def sign(self, private_der: bytes, digests: Sequence[bytes]) -> list[bytes] | None:
        """None: it ended before it answered."""
        answered: asyncio.Future[list[bytes] | None] = asyncio.get_running_loop().create_future()
        if self._ended:
            return None
        self._asked.append((len(digests), answered))
        self._writer.write(signing_worker.request(private_der, digests))
        return await answered

    async def serve(self) -> None:
        """Hand out answers until the process is gone."""
        with suppress(asyncio.IncompleteReadError):
            while True:
                (size,) = ANSWER.unpack(await self._reader.readexactly(ANSWER.size))
                count, answered = self._asked[0]
                found = await self._reader.readexactly(size * count)
                self._asked.popleft()
                if not answered.done():
                    answered.set_result(
                        [found[at : at + size] for at in range(0, len(found), size)]
                    )

    def end(self) -> None:
        """Kill it; whoever waits for an answer gets None. Safe to repeat."""
        self._ended = True
        self._writer.close()
        self._process.kill()
        self._process.wait()
        for _, answered in self._asked:
            if not answered.done():
                answered.set_result(None)
