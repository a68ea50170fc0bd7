"""Opens a connection and brings it to where mail can be handed over: banner, EHLO, TLS, AUTH."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections import deque
from dataclasses import dataclass

from adapters.smtp_lane.options import Options, unverified_context
from adapters.smtp_lane.protocol import Wire
from adapters.smtp_lane.replies import text_of
from domain.ports import NextHop, Phase, Reply

GOOD, MORE = 2, 3  # first digits, RFC 5321 §4.2.1
EHLO_UNKNOWN = frozenset({500, 502, 504})


def mx_of(hop: NextHop) -> str:
    """What a server is called: in reports, and in the certificate it must show."""
    return hop.name or hop.host


class Unopened(Exception):  # noqa: N818 - an answer about one next hop
    """No session with this hop; `reply` says how far it came."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class _NoTls(Unopened):
    """TLS was offered and did not come about."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """A connection that is ready for MAIL, and what its server offers (EHLO keywords)."""

    wire: Wire
    extensions: dict[str, str]


class Dialogue:
    """Asks one thing at a time. Listens to its wire until the session takes over."""

    def __init__(self, hop: NextHop, timeout_s: float) -> None:
        self.wire = Wire(self)
        self._hop = hop
        self._timeout_s = timeout_s
        self._came: deque[tuple[int, str]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._lost = ""

    def replied(self, code: int, line: bytes) -> None:
        self._came.append((code, text_of(line)))
        self._wake()

    def lost(self, why: str) -> None:
        self._lost = why
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def unread(self) -> bool:
        """Whether the server said more than it was asked for."""
        return bool(self._came) or self.wire.parser.pending

    async def ask(self, phase: Phase, line: str | None) -> tuple[int, str]:
        """Say a line (None: only listen) and wait for one reply. Raises Unopened without one."""
        if line is not None:
            self.wire.write(line.encode() + b"\r\n")
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._reply()
        except TimeoutError:
            raise self.unopened(phase, 0, "timeout") from None
        if not self._came:
            raise self.unopened(phase, 0, self._lost)
        return self._came.popleft()

    async def _reply(self) -> None:
        while not self._came and not self._lost:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    async def want(self, phase: Phase, line: str | None, kind: int = GOOD) -> str:
        """As `ask`; raises Unopened unless the reply's first digit is `kind`."""
        code, text = await self.ask(phase, line)
        if code // 100 != kind:
            raise self.unopened(phase, code, text)
        return text

    def unopened(self, phase: Phase, code: int, text: str) -> Unopened:
        kind = _NoTls if phase is Phase.TLS else Unopened
        return kind(Reply(phase, code, text, mx_of(self._hop), first_in_session=True))


async def greet(hop: NextHop, source: str, options: Options) -> Greeted:
    """A session with the hop, in TLS as it demands. Raises Unopened.

    Opportunistic TLS that fails is tried once more in clear (RFC 7435), unless a password is to be
    sent. `required` needs a certificate that verifies, and never falls back.
    """
    try:
        return await _greet(hop, source, options, clear=hop.tls == "never")
    except _NoTls:
        if hop.tls == "required" or hop.username:
            raise
    return await _greet(hop, source, options, clear=True)


async def _greet(hop: NextHop, source: str, options: Options, *, clear: bool) -> Greeted:
    talk = Dialogue(hop, options.timeout_s)
    ready = False
    try:
        await _connect(talk, hop, source, options)
        await talk.want(Phase.BANNER, None)
        extensions = await _hello(talk, options.hello_name)
        if not clear and await _secure(talk, hop, options, extensions):
            extensions = await _hello(talk, options.hello_name)  # what was said in clear is void
        if hop.username:
            await _authenticate(talk, hop, extensions.get("AUTH", ""))
        if talk.unread:
            raise talk.unopened(Phase.EHLO, 0, "more than it was asked for")
        ready = True
    finally:
        if not ready:
            talk.wire.fail("not opened")
    return Greeted(talk.wire, extensions)


async def _connect(talk: Dialogue, hop: NextHop, source: str, options: Options) -> None:
    loop = asyncio.get_running_loop()
    local = (source, 0) if source else None
    try:
        async with asyncio.timeout(options.connect_timeout_s):
            await loop.create_connection(lambda: talk.wire, hop.host, hop.port, local_addr=local)
    except TimeoutError:
        raise talk.unopened(Phase.CONNECT, 0, "timeout") from None
    except (OSError, ValueError) as error:  # ValueError: a host that cannot be a name
        raise talk.unopened(Phase.CONNECT, 0, f"not connected: {error}") from error


async def _hello(talk: Dialogue, name: str) -> dict[str, str]:
    """The server's extensions; none where it only knows HELO."""
    code, text = await talk.ask(Phase.EHLO, f"EHLO {name}")
    if code in EHLO_UNKNOWN:
        await talk.want(Phase.EHLO, f"HELO {name}")
        return {}
    if code // 100 != GOOD:
        raise talk.unopened(Phase.EHLO, code, text)
    return _extensions(text)


def _extensions(text: str) -> dict[str, str]:
    lines = (line.partition(" ") for line in text.split("\n")[1:])
    return {keyword.upper(): rest for keyword, _, rest in lines}


async def _secure(
    talk: Dialogue, hop: NextHop, options: Options, extensions: dict[str, str]
) -> bool:
    """Whether the connection is now in TLS. Raises Unopened where it had to be and is not."""
    if "STARTTLS" not in extensions:
        if hop.tls == "required" or hop.username:
            raise talk.unopened(Phase.TLS, 0, "STARTTLS is not offered")
        return False
    await talk.want(Phase.TLS, "STARTTLS")
    if talk.unread:  # injected in clear to be taken for the server's words in TLS (CVE-2011-0411)
        raise talk.unopened(Phase.TLS, 0, "more than a reply to STARTTLS")
    await _handshake(talk, hop, options)
    return True


async def _handshake(talk: Dialogue, hop: NextHop, options: Options) -> None:
    required = hop.tls == "required"
    context = options.required_tls() if required else unverified_context()
    wire = talk.wire
    if wire.transport is None:
        raise talk.unopened(Phase.TLS, 0, "connection lost")
    try:
        transport = await asyncio.get_running_loop().start_tls(
            wire.transport,
            wire,
            context,
            server_hostname=mx_of(hop),
            ssl_handshake_timeout=options.timeout_s,
        )
    except (ssl.SSLError, OSError) as error:
        raise talk.unopened(Phase.TLS, 0, f"handshake: {error}") from error
    if transport is None:  # the connection ended meanwhile
        raise talk.unopened(Phase.TLS, 0, "connection lost")
    wire.transport = transport


async def _authenticate(talk: Dialogue, hop: NextHop, offered: str) -> None:
    """AUTH PLAIN (RFC 4616) or LOGIN. Raises Unopened when refused or neither is offered."""
    mechanisms = offered.upper().split()
    if "PLAIN" in mechanisms:
        secret = _base64(f"\0{hop.username}\0{hop.password}")
        await talk.want(Phase.AUTH, f"AUTH PLAIN {secret}")
    elif "LOGIN" in mechanisms:
        await talk.want(Phase.AUTH, "AUTH LOGIN", MORE)
        await talk.want(Phase.AUTH, _base64(hop.username), MORE)
        await talk.want(Phase.AUTH, _base64(hop.password))
    else:
        raise talk.unopened(Phase.AUTH, 0, "neither PLAIN nor LOGIN is offered")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
