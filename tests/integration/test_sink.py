"""The stand-in as the process that the supervisor starts: SMTP, TLS, the inbox page, its end."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from ops.stack.processes import choose_ports

GMAIL, ICLOUD, RELAY = "127.0.10.1", "127.0.10.4", "127.0.10.9"


@dataclass
class Sink:
    process: subprocess.Popen[bytes]
    data: Path
    smtp_port: int
    inbox_port: int

    def get(self, path: str) -> tuple[str, dict[str, str]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.inbox_port}{path}", timeout=10) as got:
            return got.read().decode(), dict(got.headers)

    def json(self, path: str) -> Any:
        return json.loads(self.get(path)[0])

    def smtp(self, host: str = GMAIL) -> smtplib.SMTP:
        return smtplib.SMTP(host, self.smtp_port, timeout=10)


def start(data: Path, smtp_port: int, inbox_port: int) -> Sink:
    environment = os.environ | {
        "PM_DATA_DIR": str(data),
        "PM_SMTP_PORT": str(smtp_port),
        "PM_INBOX_PORT": str(inbox_port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.cli", "run", "sink"], env=environment, stderr=subprocess.PIPE
    )
    return Sink(process, data, smtp_port, inbox_port)


def wait_ready(sink: Sink) -> None:
    deadline = time.monotonic() + 20
    while not (sink.data / "run" / "sink.ready").exists():
        assert sink.process.poll() is None, sink.process.stderr and sink.process.stderr.read()
        assert time.monotonic() < deadline, "the stand-in does not get ready"
        time.sleep(0.02)


def end(sink: Sink) -> int:
    sink.process.send_signal(signal.SIGTERM)
    code = sink.process.wait(timeout=10)
    if sink.process.stderr:
        sink.process.stderr.close()
    return code


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    made = start(tmp_path_factory.mktemp("sink"), *choose_ports(2))
    wait_ready(made)
    yield made
    assert end(made) == 0


def message(recipient: str, subject: str = "Grüße") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@acme.test", recipient, subject
    made["Message-ID"] = f"<{recipient.partition('@')[0]}@acme.test>"
    made.set_content("Hello <b>you</b>\n")
    made.add_alternative("<p>Hi</p><script>alert(1)</script>", subtype="html")
    return made


def test_a_library_client_delivers_and_the_page_shows_it(sink: Sink) -> None:
    with sink.smtp() as client:
        client.send_message(message("page-1@gmail.com"))

    told = sink.json("/api/messages?recipient=PAGE-1")
    assert told["count"] == 1
    (mail,) = told["messages"]
    assert mail["subject"] == "Grüße"
    assert mail["message_id"] == "page-1@acme.test"
    assert mail["acknowledged"] is True
    assert "page-1@gmail.com" in sink.get("/")[0]

    whole = sink.json(f"/api/messages/{mail['id']}")
    assert whole["text"] == "Hello <b>you</b>\r\n"
    assert whole["raw"].startswith("From: a@acme.test\r\n")
    assert ["Subject", "Grüße"] in whole["headers"]


def test_a_mails_html_is_shown_where_it_can_do_nothing(sink: Sink) -> None:
    with sink.smtp() as client:
        client.send_message(message("xss-1@gmail.com", subject="<script>alert(2)</script>"))
    number = sink.json("/api/messages?recipient=xss-1")["messages"][0]["id"]

    page, headers = sink.get(f"/messages/{number}")
    assert "<script>" not in page
    assert "<iframe sandbox " in page
    assert "default-src 'none'" in headers["content-security-policy"]

    html, headers = sink.get(f"/messages/{number}/html")
    assert "<script>" in html
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"

    assert sink.get(f"/messages/{number}/raw")[1]["content-type"].startswith("text/plain")


def test_counting_and_paging(sink: Sink) -> None:
    with sink.smtp() as client:
        for number in range(7):
            client.send_message(message(f"many.{number}@gmail.com"))

    count = sink.json("/api/count?recipient=many.")
    assert count["kept"] == 7
    assert count["count"] == len((sink.data / "sink" / "received.jsonl").read_text().splitlines())
    some = sink.json("/api/messages?recipient=many.&limit=3&offset=2")["messages"]
    assert [mail["recipient"][:6] for mail in some] == ["many.4", "many.3", "many.2"]


def test_the_page_documents_every_scripted_mailbox(sink: Sink) -> None:
    page, _ = sink.get("/?recipient=nobody-has-this")

    assert "No kept message" in page
    for keyword in ("greylist", "drop-after-dot", "reject-data", "slow"):
        assert f"<code>{keyword}…</code>" in page


def test_a_message_that_is_not_there_is_404(sink: Sink) -> None:
    with pytest.raises(urllib.error.HTTPError) as told:
        sink.get("/api/messages/999999")

    assert told.value.code == 404
    told.value.close()


def test_starttls_encrypts_and_then_takes_mail(sink: Sink) -> None:
    context = ssl.create_default_context(cafile=str(sink.data / "sink" / "tls.pem"))
    context.check_hostname = False

    with sink.smtp(ICLOUD) as client:
        client.ehlo()
        assert client.has_extn("starttls")
        client.starttls(context=context)
        client.ehlo()
        assert not client.has_extn("starttls")
        client.send_message(message("tls-1@icloud.com"))

    assert sink.json("/api/messages?recipient=tls-1")["messages"][0]["mx"].endswith(
        "icloud.example"
    )


def test_what_was_sent_in_clear_after_starttls_is_forgotten(sink: Sink) -> None:
    context = ssl.create_default_context(cafile=str(sink.data / "sink" / "tls.pem"))
    context.check_hostname = False

    with sink.smtp(ICLOUD) as client:
        client.ehlo()
        client.send(b"STARTTLS\r\nMAIL FROM:<injected@x.test>\r\n")
        assert client.getreply()[0] == 220
        client.sock = context.wrap_socket(client.sock, server_hostname="x")  # type: ignore[arg-type]
        client.file = None
        assert client.docmd("EHLO", "x")[0] == 250
        assert client.docmd("RCPT", "TO:<a@icloud.com>")[0] == 503


def test_the_relay_host_takes_mail_from_whoever_logs_in(sink: Sink) -> None:
    with sink.smtp(RELAY) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("me", "wrong")
        client.login("me", "right")
        client.send_message(message("relayed@anything.test"))

    assert sink.json("/api/messages?recipient=relayed")["count"] == 1


def test_late_replies_leave_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PM_SINK_LATENCY_MS", "60")
    sink = start(tmp_path, *choose_ports(2))
    wait_ready(sink)

    before = time.monotonic()
    with sink.smtp() as client:
        client.noop()
    waited = time.monotonic() - before

    assert waited >= 0.18  # banner, NOOP, QUIT
    assert end(sink) == 0


def test_the_page_is_served_where_the_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PM_INBOX_HOST", "127.0.0.9")
    sink = start(tmp_path, *choose_ports(2))
    wait_ready(sink)

    with urllib.request.urlopen(f"http://127.0.0.9:{sink.inbox_port}/", timeout=10) as got:
        assert got.status == 200
    with pytest.raises(urllib.error.URLError):
        sink.get("/")
    assert end(sink) == 0


def test_a_taken_port_is_one_clear_line(sink: Sink, tmp_path: Path) -> None:
    second = start(tmp_path, sink.smtp_port, choose_ports(1)[0])
    assert second.process.stderr

    assert second.process.wait(timeout=20) == 3
    told = second.process.stderr.read().decode()
    second.process.stderr.close()
    assert f"127.0.10.1:{sink.smtp_port}" in told
    assert "PM_SMTP_PORT" in told
    assert "Traceback" not in told


def test_killed_it_has_recorded_what_it_acknowledged(tmp_path: Path) -> None:
    sink = start(tmp_path, *choose_ports(2))
    wait_ready(sink)
    with sink.smtp() as client:
        client.send_message(message("kept@gmail.com"))
        sink.process.kill()
        client.close()
    sink.process.wait(timeout=10)
    assert sink.process.stderr
    sink.process.stderr.close()

    lines = (tmp_path / "sink" / "received.jsonl").read_text().splitlines()

    assert [json.loads(line)["recipient"] for line in lines] == ["kept@gmail.com"]
