"""Our own lane: TLS, passwords, pipelining, reuse, fairness, and servers that misbehave."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import ipaddress
import random
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.dot_journal import DotJournal, inspect
from adapters.smtp_lane import Options, SmtpLanes
from domain.outcomes import judge
from domain.ports import Consignment, Message, NextHop, Phase, Reply
from domain.sending import Outcome
from tests.smtp_server import DROP, HANG, Script, ScriptedServer, scripted

RELEASE = "rel_x"
PIPELINING = ("PIPELINING",)
OPTIONS = Options(connections=1, timeout_s=0.5, dot_timeout_s=0.5, connect_timeout_s=0.5)


@dataclass
class Sender:
    """Lanes over a real journal, and what they reported, in order."""

    lanes: SmtpLanes
    reports: dict[int, Reply] = field(default_factory=dict)

    def report(self, index: int, reply: Reply) -> None:
        assert index not in self.reports, "reported twice"
        self.reports[index] = reply

    async def deliver(
        self, hops: Sequence[NextHop], indexes: Sequence[int] = (0,), seconds: float = 8
    ) -> None:
        made = Consignment(RELEASE, "", tuple(hops), indexes, mail, time.monotonic() + seconds)
        await self.lanes.deliver(made, self.report)

    def codes(self) -> list[int]:
        return [self.reports[index].code for index in sorted(self.reports)]


def mail(index: int) -> Message:
    return Message(
        index, f"b-{index}@from.test", f"to{index}@rcpt.test", b"Subject: x\r\n\r\nhi\r\n"
    )


def hop(server: ScriptedServer, tls: str = "never", user: str = "", word: str = "") -> NextHop:
    return NextHop("127.0.0.1", server.port, tls, user, word)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[DotJournal]:
    made = DotJournal(tmp_path)
    yield made
    made.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, at most some seconds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what a server did raises no event here
            await asyncio.sleep(0.01)


def sender(journal: DotJournal, **changes: object) -> Sender:
    return Sender(SmtpLanes(journal, replace(OPTIONS, **changes)))  # type: ignore[arg-type]


# ---- TLS (reference/deliverability.md §7.1, F26)


@dataclass
class Certificate:
    server: ssl.SSLContext
    path: Path

    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.path))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for 127.0.0.1 that only who is told so trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "cert.pem"
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return Certificate(context, path)


def tls_script(certificate: Certificate, **changes: object) -> Script:
    made = Script(extensions=("PIPELINING", "STARTTLS", "AUTH PLAIN LOGIN"), tls=certificate.server)
    return replace(made, **changes)  # type: ignore[arg-type]


async def test_opportunistic_tls_takes_any_certificate(
    journal: DotJournal, certificate: Certificate
) -> None:
    client = sender(journal)
    async with scripted(tls_script(certificate)) as server:
        await client.deliver([hop(server, "opportunistic")], range(20))
        await client.lanes.close()

    assert client.codes() == [250] * 20
    assert {found.connection for found in server.mails} <= server.in_tls
    assert len(server.lines("EHLO")) == 2


async def test_opportunistic_tls_that_fails_falls_back_to_clear(
    journal: DotJournal, certificate: Certificate
) -> None:
    client = sender(journal)
    broken = tls_script(certificate, tls=None)  # says go ahead, and then speaks SMTP
    async with scripted(broken) as server:
        await client.deliver([hop(server, "opportunistic")])
        await client.lanes.close()

    assert client.codes() == [250]
    assert server.connections == 2


async def test_required_tls_takes_only_a_certificate_that_verifies(
    journal: DotJournal, certificate: Certificate
) -> None:
    strict, trusting = sender(journal), sender(journal, required_tls=certificate.trusted)
    async with scripted(tls_script(certificate)) as server:
        await strict.deliver([hop(server, "required")], [0])
        assert server.mails == []
        await trusting.deliver([hop(server, "required")], [1])
        await strict.lanes.close()
        await trusting.lanes.close()

    assert (strict.reports[0].phase, strict.reports[0].code) == (Phase.TLS, 0)
    assert judge(strict.reports[0]).outcome is Outcome.DEFERRED
    assert trusting.codes() == [250]


@pytest.mark.parametrize("answer", [b"220 go", b"454 4.7.0 not now", b"502 what"])
@pytest.mark.parametrize("names", [("STARTTLS",), ()])
async def test_f26_required_tls_never_sends_in_clear(
    journal: DotJournal, certificate: Certificate, answer: bytes, names: tuple[str, ...]
) -> None:
    client = sender(journal)
    stripped = tls_script(certificate, tls=None, extensions=names, answers={"STARTTLS": answer})
    async with scripted(stripped) as server:
        await client.deliver([hop(server, "required", "me", "secret")])
        await client.lanes.close()

    assert client.reports[0].phase is Phase.TLS
    assert server.lines("MAIL") == server.lines("AUTH") == []


async def test_words_slipped_in_behind_starttls_end_the_session(
    journal: DotJournal, certificate: Certificate
) -> None:
    client = sender(journal, required_tls=certificate.trusted)
    async with scripted(tls_script(certificate, injected=b"250 injected\r\n")) as server:
        await client.deliver([hop(server, "required")])
        await client.lanes.close()

    assert (client.reports[0].phase, client.reports[0].code) == (Phase.TLS, 0)
    assert server.mails == []


async def test_a_handshake_that_stalls_times_out(
    journal: DotJournal, certificate: Certificate
) -> None:
    client = sender(journal)
    gates = {"HANDSHAKE": asyncio.Event()}
    async with scripted(tls_script(certificate, gates=gates)) as server:
        started = time.monotonic()
        await client.deliver([hop(server, "required")])
        await client.lanes.close()

    assert (client.reports[0].phase, client.reports[0].code) == (Phase.TLS, 0)
    assert time.monotonic() - started < 3


# ---- passwords


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_the_password_goes_out_in_tls(
    journal: DotJournal, certificate: Certificate, mechanism: str
) -> None:
    client = sender(journal, required_tls=certificate.trusted)
    offered = ("PIPELINING", "STARTTLS", f"AUTH {mechanism}")
    async with scripted(tls_script(certificate, extensions=offered)) as server:
        await client.deliver([hop(server, "required", "mé", "sécret")])
        await client.lanes.close()

    said = " ".join(server.lines("AUTH") + server.lines("LOGIN")).split()
    decoded = [base64.b64decode(word).decode() for word in said[-1:]]
    assert client.codes() == [250]
    assert decoded == ["\0mé\0sécret" if mechanism == "PLAIN" else "sécret"]


@pytest.mark.parametrize(
    ("extensions", "answer", "code"),
    [
        (("AUTH PLAIN",), b"535 5.7.8 wrong", 535),
        (("AUTH LOGIN",), b"535 5.7.8 wrong", 535),
        (("AUTH GSSAPI",), b"235 ok", 0),
        ((), b"235 ok", 0),
    ],
)
async def test_a_refused_password_defers_everything(
    journal: DotJournal, extensions: tuple[str, ...], answer: bytes, code: int
) -> None:
    client = sender(journal)
    async with scripted(Script({"AUTH": answer}, extensions)) as server:
        await client.deliver([hop(server, "never", "me", "secret")], range(3))
        await client.lanes.close()

    assert [(r.phase, r.code) for r in client.reports.values()] == [(Phase.AUTH, code)] * 3
    assert {judge(r).outcome for r in client.reports.values()} == {Outcome.DEFERRED}
    assert server.mails == []


async def test_no_password_goes_out_in_clear_unless_told_so(journal: DotJournal) -> None:
    client = sender(journal)
    async with scripted(Script(extensions=("AUTH PLAIN",))) as server:
        await client.deliver([hop(server, "opportunistic", "me", "secret")])
        await client.lanes.close()

    assert client.reports[0].phase is Phase.TLS
    assert server.lines("AUTH") == []


async def test_a_server_that_only_knows_helo_is_spoken_to_plainly(journal: DotJournal) -> None:
    client = sender(journal)
    async with scripted(Script({"EHLO": b"502 what"}, ())) as server:
        await client.deliver([hop(server, "opportunistic")], range(3))
        await client.lanes.close()

    assert client.codes() == [250] * 3
    assert server.early == 0


# ---- pipelining (RFC 2920)


class ChunkServer(asyncio.Protocol):
    """Answers all it got at once, and keeps the chunks as they came."""

    chunks: list[bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.in_text = False
        self._write([b"220 hi"])

    def data_received(self, data: bytes) -> None:
        type(self).chunks.append(data)
        self._write([answer for line in data.splitlines() if (answer := self._answer(line))])

    def _answer(self, line: bytes) -> bytes:
        if self.in_text:
            self.in_text = line != b"."
            return b"" if self.in_text else b"250 taken"
        self.in_text = line == b"DATA"
        verbs = {b"EHLO": b"250-hi\r\n250 PIPELINING", b"DATA": b"354 go", b"QUIT": b"221 bye"}
        return verbs.get(line[:4], b"250 ok")

    def _write(self, lines: list[bytes]) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        self.transport.write(b"".join(line + b"\r\n" for line in lines))


async def test_text_and_next_envelope_leave_in_one_write(journal: DotJournal) -> None:
    ChunkServer.chunks = []
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(ChunkServer, "127.0.0.1", 0)
    client = sender(journal)

    port = listener.sockets[0].getsockname()[1]
    await client.deliver([NextHop("127.0.0.1", port, "never")], range(3))
    await client.lanes.close()
    listener.close()

    verbs = [[line[:4] for line in chunk.splitlines()] for chunk in ChunkServer.chunks]
    text = [b"Subj", b"", b"hi", b"."]
    envelope = [b"MAIL", b"RCPT", b"DATA"]
    assert verbs == [[b"EHLO"], envelope, text + envelope, text + envelope, text, [b"QUIT"]]


async def test_a_go_ahead_after_a_refused_recipient_gets_a_lone_dot(journal: DotJournal) -> None:
    def rcpt(_: int, line: str) -> bytes:
        return b"550 5.1.1 unknown" if "to1@" in line else b"250 ok"

    client = sender(journal)
    async with scripted(Script({"RCPT": rcpt, "DATA": b"354 go"}, PIPELINING)) as server:
        await client.deliver([hop(server)], range(4))
        await client.lanes.close()

    empty = [found for found in server.mails if not found.rcpts]
    assert [found.data for found in empty] == [b""]
    assert client.codes() == [250, 550, 250, 250]
    assert server.connections == 1


async def test_a_go_ahead_after_a_refused_sender_reaches_nobody(journal: DotJournal) -> None:
    client = sender(journal)
    async with scripted(Script({"MAIL": b"550 5.1.8 no"}, PIPELINING)) as server:
        await client.deliver([hop(server)], [0])
        await client.lanes.close()

    assert client.codes() == [550]
    assert server.mails == []


# ---- reuse and its limits


async def test_one_connection_serves_consignment_after_consignment(journal: DotJournal) -> None:
    client = sender(journal)
    async with scripted() as server:
        for index in range(5):
            await client.deliver([hop(server)], [index])
        await client.lanes.close()

    assert client.codes() == [250] * 5
    assert [client.reports[index].first_in_session for index in range(5)] == [True, *[False] * 4]
    assert server.connections == 1


async def test_an_idle_connection_is_left_politely(journal: DotJournal) -> None:
    client = sender(journal, idle_s=0.1)
    async with scripted() as server:
        await client.deliver([hop(server)], [0])
        await until(lambda: server.standing == 0)
        await client.deliver([hop(server)], [1])
        await client.lanes.close()

    assert client.codes() == [250, 250]
    assert server.connections == len(server.lines("QUIT")) == 2


async def test_a_connection_that_is_too_old_takes_no_further_message(journal: DotJournal) -> None:
    client = sender(journal, age_max_s=0)
    async with scripted() as server:
        await client.deliver([hop(server)], range(3))
        await client.lanes.close()

    assert client.codes() == [250] * 3
    assert server.connections == len(server.lines("QUIT")) == 3


async def test_a_server_that_ended_an_idle_session_costs_no_message(journal: DotJournal) -> None:
    client = sender(journal)
    async with scripted(Script({"DOT": b"250 ok\r\n421 4.4.2 idle too long"})) as server:
        for index in range(3):
            await client.deliver([hop(server)], [index])
        await client.lanes.close()

    assert client.codes() == [250] * 3
    assert len(server.mails) == 3


async def test_a_lane_keeps_to_its_number_of_connections(journal: DotJournal) -> None:
    client = sender(journal, connections=3)
    gate = asyncio.Event()
    async with scripted(Script(gates={"DOT": gate})) as server:
        tasks = [
            asyncio.create_task(client.deliver([hop(server)], range(at, at + 40)))
            for at in (0, 40, 80)
        ]
        await until(lambda: server.standing == 3)
        gate.set()
        await asyncio.gather(*tasks)
        await client.lanes.close()

    assert client.codes() == [250] * 120
    assert server.standing_max == 3


async def test_a_session_ended_by_421_in_the_middle_goes_on_in_another(journal: DotJournal) -> None:
    def mail_from(count: int, _: str) -> bytes:
        return b"421 4.7.0 too many messages in this session" if count % 5 == 0 else b"250 ok"

    client = sender(journal)
    async with scripted(Script({"MAIL": mail_from})) as server:
        await client.deliver([hop(server)], range(20))
        await client.lanes.close()

    assert client.codes() == [250] * 20
    assert len(server.mails) == 20


async def test_consignments_on_a_lane_take_turns(journal: DotJournal) -> None:
    client = sender(journal, messages_max=1000)
    async with scripted() as server:
        big = asyncio.create_task(client.deliver([hop(server)], range(400)))
        small = asyncio.create_task(client.deliver([hop(server)], range(1000, 1010)))
        await asyncio.gather(big, small)
        await client.lanes.close()

    order = [int(found.rcpts[0][2:].split("@")[0]) for found in server.mails]
    assert len(order) == 410
    assert max(order.index(index) for index in range(1000, 1010)) < 60


async def test_f15_a_slow_server_holds_up_no_other(journal: DotJournal) -> None:
    client = sender(journal, timeout_s=10)
    gate = asyncio.Event()
    async with scripted(Script(gates={"MAIL": gate})) as slow, scripted() as quick:
        waiting = asyncio.create_task(client.deliver([hop(slow)], range(50)))
        await client.deliver([hop(quick)], range(100, 120))
        assert len(client.reports) == 20
        gate.set()
        await waiting
        await client.lanes.close()

    assert client.codes() == [250] * 70


# ---- hops that fail


async def test_a_hop_that_failed_is_left_alone_for_a_while(journal: DotJournal) -> None:
    client = sender(journal, down_s=30)
    async with scripted(Script({"BANNER": b"554 no"})) as bad, scripted() as good:
        for index in range(5):
            await client.deliver([hop(bad), hop(good)], [index])
        await client.lanes.close()

    assert client.codes() == [250] * 5
    assert bad.connections == 1


async def test_a_server_that_only_breaks_sessions_is_given_up(journal: DotJournal) -> None:
    client = sender(journal)
    async with scripted(Script({"MAIL": DROP})) as server:
        await client.deliver([hop(server)], range(500))
        await client.lanes.close()

    assert len(client.reports) == 500
    assert {(r.phase, r.code) for r in client.reports.values()} == {(Phase.MAIL, 0)}
    assert server.connections <= 5


async def test_a_name_that_does_not_resolve_is_no_connection(journal: DotJournal) -> None:
    client = sender(journal)
    await client.deliver([NextHop("a..b", 25), NextHop("x" * 70 + ".invalid", 25)])
    await client.lanes.close()

    assert (client.reports[0].phase, client.reports[0].code) == (Phase.CONNECT, 0)


# ---- everything at once

WAYS = [b"", b"", b"", b"", b"", b"451 4.3.0 later", b"554 5.7.1 no", b"421 4.3.2 bye", DROP, b"?"]


@pytest.mark.parametrize("seed", range(12))
async def test_i4_whatever_a_server_does_no_message_is_dotted_twice(
    journal: DotJournal, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)

    def ways(good: bytes, *more: bytes) -> object:
        return lambda _count, _line: chance.choice([*WAYS, *more]) or good

    answers = {"MAIL": ways(b"250 ok"), "RCPT": ways(b"250 ok"), "DOT": ways(b"250 ok", HANG)}
    answers["DATA"] = ways(b"354 go")
    script = Script(answers, PIPELINING if seed % 2 else ())  # type: ignore[arg-type]
    client = sender(journal, connections=3, timeout_s=0.2, dot_timeout_s=0.2)
    async with scripted(script) as server:
        await client.deliver([hop(server)], range(60), seconds=20)
        await client.lanes.close()

    journal.forget()
    noted = inspect(tmp_path, journal.name, RELEASE)
    came = [int(found.rcpts[0][2:].split("@")[0]) for found in server.mails if found.rcpts]
    by_dot = {index for index, reply in client.reports.items() if reply.phase is Phase.DOT}
    assert sorted(client.reports) == list(range(60))
    assert len(came) == len(set(came))
    assert set(came) == by_dot == noted.dotted
    assert noted.replied == {i: client.reports[i].code for i in by_dot if client.reports[i].code}
    assert server.early == 0
