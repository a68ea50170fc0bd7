"""Carries the links of a test stack's roles to Kafka and Postgres, and makes them ill on demand.

`python -m ops.chaos.link DIR` beside a stack with DIR/links.json (tests/chaos/linked.py starts both
so). A fault writes what ails a link to `DIR/links/NAME`; the proxy has it within POLL_S.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from ops.chaos.plan import Act
from ops.chaos.proxy import Address, Proxy
from ops.chaos.toxics import Toxic
from ops.stack import links
from ops.stack.processes import HOST

POLL_S = 0.05


def _ills(data: Path, name: str) -> Path:
    return data / "links" / name


async def ail(data: Path, act: Act) -> None:
    """Make one link ill for the act's time. Raises LookupError where the roles have none such."""
    if act.target not in links.read(data):
        raise LookupError(f"the roles of this stack reach {act.target} directly, not by a link")
    path = _ills(data, act.target)
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"kind": act.fault.toxic, **act.fault.toxic_with}))
    fresh.replace(path)
    try:
        await asyncio.sleep(act.for_s)
    finally:
        path.unlink(missing_ok=True)


async def carry(data: Path) -> None:
    """Carry every link until cancelled."""
    async with AsyncExitStack() as stack:
        proxies: dict[str, Proxy] = {}
        for name, link in links.read(data).items():
            luck = random.Random(name)  # noqa: S311 - which connections a fault befalls
            proxy = Proxy(Address(HOST, link.listen), Address(HOST, link.upstream), luck)
            proxies[name] = await stack.enter_async_context(proxy)
        said = dict.fromkeys(proxies, "")
        while True:
            said = {name: _heed(proxies[name], _told(data, name), said[name]) for name in proxies}
            await asyncio.sleep(POLL_S)


def _told(data: Path, name: str) -> str:
    try:
        return _ills(data, name).read_text()
    except FileNotFoundError:
        return ""


def _heed(proxy: Proxy, now: str, before: str) -> str:
    """Make the proxy as ill as it is told; what it was told."""
    if now == before:
        return now
    for toxic in list(proxy.toxics):
        proxy.remove(toxic)
    if now:
        wanted: dict[str, Any] = json.loads(now)
        proxy.add(Toxic(**wanted))
    return now


def main(arguments: Sequence[str]) -> None:
    """Carry until SIGTERM."""
    asyncio.run(carry(Path(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
