"""Where a run sends to: domains of the DNS stand-in, each with a proxy as its MX."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ops import dns_server
from ops.chaos.proxy import Address, Proxy
from ops.chaos.toxics import Toxic
from ops.sink.hosts import MX_HOSTS

NET = "127.0.11."
PLAIN, WITH_TLS = "other", "icloud"


@dataclass(frozen=True)
class Ground:
    """The next hops of one run."""

    run: str  # names its domains, so that the sink's lines can be told
    proxies: list[Proxy]

    @property
    def domains(self) -> list[str]:
        return [domain_of(self.run, number) for number in range(len(self.proxies))]


def domain_of(run: str, number: int) -> str:
    """The recipients' domain that this next hop takes the mail of."""
    return f"d{number}.{run}.example"


@asynccontextmanager
async def laid(
    data: Path, smtp_port: int, run: str, *, hops: int, tls: bool, latency_ms: float
) -> AsyncIterator[Ground]:
    """Proxies that listen, and DNS that leads to them. Raises Missing when they cannot."""
    wanted = WITH_TLS if tls else PLAIN
    host = next(host for host in MX_HOSTS if host.provider == wanted)
    async with AsyncExitStack() as stack:
        proxies = []
        for number in range(hops):
            own = Address(f"{NET}{number + 1}", smtp_port)
            rng = random.Random(f"{run}/{number}")  # noqa: S311 - faults, to be had again
            proxy = Proxy(own, Address(host.address, smtp_port), rng)
            await stack.enter_async_context(proxy)
            if latency_ms:
                proxy.add(Toxic("latency", ms=latency_ms))
            domain = domain_of(run, number)
            dns_server.publish(data, domain, "MX", [f"10 mx.{domain}."])
            dns_server.publish(data, f"mx.{domain}", "A", [own.host])
            proxies.append(proxy)
        try:
            yield Ground(run, proxies)
        finally:
            for domain in (domain_of(run, number) for number in range(hops)):
                dns_server.publish(data, domain, "MX", [])
                dns_server.publish(data, f"mx.{domain}", "A", [])
