"""A process with a dot journal and a signing pool, as a dispatcher's; tells names and pids."""

import asyncio
import hashlib
import os

import uvloop

from adapters.dot_journal import DotJournal
from adapters.message import dkim
from adapters.message.signing_pool import SigningPool
from adapters.settings import Settings
from tests.worker_kit import until

WORKERS = 2


async def main() -> None:
    key = dkim.new_key("rsa").private_der
    with DotJournal(Settings().data_dir) as journal:
        journal.begin("rel_1")
        journal.dotted("rel_1", 7)
        async with SigningPool(WORKERS) as pool:
            assert await pool.sign(key, [hashlib.sha256().digest()])
            await until(lambda: len(pool.pids) == WORKERS)
            os.write(1, f"ready\n{journal.name} {' '.join(map(str, pool.pids))}\n".encode())
            await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())  # as the dispatcher does
