"""TLS and passwords: what must not go out in clear does not (deliverability.md §7.1, F26)."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import replace

import pytest

from adapters.dot_journal import DotJournal
from domain.outcomes import judge
from domain.ports import Phase
from domain.sending import Outcome
from tests.lane_kit import Certificate, hop, sender
from tests.smtp_server import Script, scripted

# ---- TLS (reference/deliverability.md §7.1, F26)


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


@pytest.mark.parametrize(("name", "code"), [("mx.test", 250), ("other.test", 0)])
async def test_the_certificate_must_be_in_the_name_of_the_mx_host(
    journal: DotJournal, certificate: Certificate, name: str, code: int
) -> None:
    client = sender(journal, required_tls=certificate.trusted)
    async with scripted(tls_script(certificate)) as server:
        await client.deliver([replace(hop(server, "required"), name=name)])
        await client.lanes.close()

    assert client.codes() == [code]
    assert client.reports[0].mx == name


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
