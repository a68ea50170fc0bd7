"""A small authoritative DNS server on loopback for the mailbox stand-in and tenants' own domains.

| name | answer |
|---|---|
| a consumer domain (gmail.com, outlook.com, …) | MX of that provider's stand-in hosts |
| any other domain | MX 10 mx.other.test |
| an MX host of the stand-in | A, its loopback address |
| what `publish` wrote (DIR/dns/zone.json, read again when it changed) | those records |
| first label `nxdomain…`, or below `.invalid` | NXDOMAIN |
| first label `nullmx…` | MX 0 . (RFC 7505: takes no mail) |
| first label `nomx…` | no MX, but A: the implicit MX of RFC 5321 §5.1 |
| first label `servfail…` | SERVFAIL |
| first label `silent…` | no answer at all |
| any other name with a label that starts with `_` | NXDOMAIN |
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import signal
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import structlog

from adapters.sending_records import DnsRecord, txt_strings
from adapters.settings import Settings
from ops.errors import Missing
from ops.sink.hosts import HOSTS, mx_of

TTL_S = 5
UDP_MAX_BYTES = 1232  # what passes any path unfragmented (DNS flag day 2020)
TCP_IDLE_S = 10.0
_ADDRESSES = {host.name: host.address for host in HOSTS}
Records = dict[str, dict[str, list[str]]]  # name → type → values, as in a zone file

log = structlog.get_logger()


# ---- zone data


def zone_file(data: Path) -> Path:
    """Where published records are kept."""
    return data / "dns" / "zone.json"


def publish(data: Path, name: str, kind: str, values: Sequence[str]) -> None:
    """Make these the records of a name and type; none removes them. Safe to repeat and at once.

    TXT values are given without quotes, in any length; MX as "10 host", final dots may be left out.
    Raises dns.exception.DNSException for what is no record, before anything is written.
    """
    _rrset(dns.name.from_text(name), kind, list(values))
    path = zone_file(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        zone: Records = json.loads(path.read_text()) if path.exists() else {}
        zone.setdefault(name.rstrip(".").lower(), {})[kind.upper()] = list(values)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(zone, indent=1, sort_keys=True))
        fresh.replace(path)


def publish_record(data: Path, record: DnsRecord) -> None:
    """As `publish`, of one record that a domain needs."""
    publish(data, record.name, record.kind, [record.value])


class Zone:
    """What the server knows. `find` reads the file again when it changed."""

    def __init__(self, data: Path) -> None:
        self._path = zone_file(data)
        self._seen: tuple[int, int] = (0, 0)
        self._records: Records = {}

    def _published(self, name: str) -> dict[str, list[str]]:
        try:
            state = self._path.stat()
        except FileNotFoundError:
            return {}
        if (state.st_mtime_ns, state.st_ino) != self._seen:
            self._records = json.loads(self._path.read_text())
            self._seen = (state.st_mtime_ns, state.st_ino)
        return {kind: values for kind, values in self._records.get(name, {}).items() if values}

    def find(self, name: str, kind: str) -> tuple[str, list[str]] | dns.rcode.Rcode:
        """(type, values) to answer with; no values: the name has none of that type."""
        published = self._published(name)
        if kind in published:
            return kind, published[kind]
        if "CNAME" in published:
            return "CNAME", published["CNAME"]
        if name in _ADDRESSES:
            return kind, [_ADDRESSES[name]] if kind == "A" else []
        return _scripted(name, kind, known=bool(published))


def _scripted(name: str, kind: str, *, known: bool) -> tuple[str, list[str]] | dns.rcode.Rcode:
    first = name.split(".", 1)[0]
    if first.startswith("servfail"):
        return dns.rcode.SERVFAIL
    gone = name.endswith(".invalid") or first.startswith("nxdomain") or "_" in {
        label[:1] for label in name.split(".")
    }  # fmt: skip
    if gone and not known:
        return dns.rcode.NXDOMAIN
    if first.startswith("nomx"):
        return kind, [_ADDRESSES["mx.other.test"]] if kind == "A" else []
    if kind != "MX":
        return kind, []
    if first.startswith("nullmx"):
        return kind, ["0 ."]
    return kind, [f"{host.preference} {host.name}." for host in mx_of(name)]


# ---- answers


def answer(zone: Zone, wire: bytes, *, udp: bool) -> bytes | None:
    """The reply to a query as bytes; None: there is none."""
    try:
        query = dns.message.from_wire(wire)
        question = query.question[0]
    except (dns.exception.DNSException, IndexError):
        return None
    name = question.name.to_text(omit_final_dot=True).lower()
    if name.startswith("silent"):
        return None
    reply = dns.message.make_response(query, our_payload=UDP_MAX_BYTES)
    reply.flags |= dns.flags.AA
    _fill(reply, zone, question, name)
    return _wire(reply, min(query.payload or 512, UDP_MAX_BYTES) if udp else 65535)


def _fill(reply: dns.message.Message, zone: Zone, question: dns.rrset.RRset, name: str) -> None:
    kind = dns.rdatatype.to_text(question.rdtype)
    found = zone.find(name, kind)
    if not isinstance(found, tuple):
        reply.set_rcode(found)
        return
    told, values = found
    if values:
        reply.answer.append(_rrset(question.name, told, values))
    if told == "CNAME" and kind != "CNAME" and values:
        target = dns.name.from_text(values[0])
        further = zone.find(values[0].rstrip(".").lower(), kind)
        if isinstance(further, tuple) and further[1] and further[0] == kind:
            reply.answer.append(_rrset(target, *further))


def _rrset(name: dns.name.Name, kind: str, values: list[str]) -> dns.rrset.RRset:
    texts = [_quoted(value) for value in values] if kind == "TXT" else values
    return dns.rrset.from_text_list(
        name, TTL_S, dns.rdataclass.IN, kind, texts, origin=dns.name.root, relativize=False
    )


def _quoted(text: str) -> str:
    """As the character-strings of a zone file."""
    escaped = [part.replace("\\", "\\\\").replace('"', '\\"') for part in txt_strings(text)]
    return " ".join(f'"{part}"' for part in escaped)


def _wire(reply: dns.message.Message, size_max: int) -> bytes:
    try:
        return reply.to_wire(max_size=size_max)
    except dns.exception.TooBig:
        reply.answer.clear()
        reply.flags |= dns.flags.TC  # come again over TCP
        return reply.to_wire()


# ---- the server


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = answer(self._zone, data, udp=True)
        if reply is not None:
            self._transport.sendto(reply, addr)


async def _tcp(zone: Zone, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            async with asyncio.timeout(TCP_IDLE_S):
                (size,) = struct.unpack("!H", await reader.readexactly(2))
                reply = answer(zone, await reader.readexactly(size), udp=False)
            if reply is None:
                break
            writer.write(struct.pack("!H", len(reply)) + reply)
            await writer.drain()
    except (OSError, EOFError, TimeoutError):
        log.debug("dns_tcp_ended")
    finally:
        writer.close()


@asynccontextmanager
async def serving(data: Path, address: str) -> AsyncIterator[None]:
    """The server on host:port, UDP and TCP. Raises Missing when it cannot listen there."""
    host, _, port = address.rpartition(":")
    zone, loop = Zone(data), asyncio.get_running_loop()
    try:
        server = await asyncio.start_server(
            lambda reader, writer: _tcp(zone, reader, writer), host, int(port)
        )
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Udp(zone), local_addr=(host, int(port))
        )
    except (OSError, ValueError) as error:
        raise Missing(
            f"the DNS stand-in cannot listen on {address!r} ({error}); "
            "set PM_DNS_SERVER to a free host:port"
        ) from error
    try:
        yield
    finally:
        transport.close()
        server.close()


def run(settings: Settings, ready: Callable[[], None]) -> None:
    """Serve on `settings.dns_server` until SIGTERM or SIGINT."""
    asyncio.run(_run(settings, ready))


async def _run(settings: Settings, ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(settings.data_dir, settings.dns_server):
        ready()
        log.info("dns_serves", address=settings.dns_server)
        await stop.wait()
