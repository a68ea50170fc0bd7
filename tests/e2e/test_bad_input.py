"""Bad input: one clear line that names the cure, an exit code, and nothing half-done."""

from __future__ import annotations

import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from ops import cli
from projections import models
from tests.main_job_kit import GIVEN, ROOT, MainJob

pytestmark = pytest.mark.stack

Call = Callable[..., str]
NOWHERE = "127.0.0.1:9"  # discard: nobody listens
ANSWER_WITHIN_S = 15.0


FILES = {
    "leads.csv": b"email,firstName\nada@bad.example,Ada\n",
    "letter.html": b"---\nsubject: Hello\n---\n<p>Hello {{firstName|there}}</p>",
    "no-text.csv": bytes(range(256)) * 20,
    "empty.csv": b"",
    "header-only.csv": b"email,firstName\n",
    "no-address.csv": b"name,firstName\nAda,Ada\n",
    "all-bad.csv": b"email,firstName\nnonsense,Ada\n,Bo\n",
    "twice.csv": b"email,email\nada@bad.example,x\n",
    "no-front.html": b"<p>Hello</p>",
    "no-subject.html": b"---\ntext: Hello\n---\n<p>Hello</p>",
    "unclosed.html": b"---\nsubject: Hello\n<p>Hello</p>",
    "broken.html": b"---\nsubject: Hello\n---\n<p>{% if firstName %}Hello</p>",
    "undefined.html": b"---\nsubject: Hello {{ nme }}\n---\n<p>Hello</p>",
    "calls.html": b"---\nsubject: Hello\n---\n<p>{{ open(9) }}</p>",
    "broken.mjml": b"---\nsubject: Hello\n---\n<mjml><mj-body></mjml>",
    "latin.html": "---\nsubject: Grüße\n---\n<p>Hello</p>".encode("latin-1"),
}
REFUSED = [
    ({"csv": "missing.csv"}, 3, "missing.csv"),
    ({"csv": "."}, 3, "readable file"),
    ({"template": "missing.html"}, 3, "missing.html"),
    ({"csv": "no-text.csv"}, 2, "save it as CSV"),
    ({"csv": "empty.csv"}, 2, "a header line with an e-mail column is needed"),
    ({"csv": "header-only.csv"}, 2, "no row below its header"),
    ({"csv": "no-address.csv"}, 2, "name one of them email"),
    ({"csv": "all-bad.csv"}, 2, "no usable row among 2"),
    ({"csv": "twice.csv"}, 2, "rename one of each"),
    ({"template": "no-front.html"}, 2, "no-front.html:1: has no front matter"),
    ({"template": "no-subject.html"}, 2, "add `subject: …`"),
    ({"template": "unclosed.html"}, 2, "close it with ---"),
    ({"template": "broken.html"}, 2, "broken.html:4"),
    ({"template": "undefined.html"}, 2, "undefined.html:2: `nme`"),
    ({"template": "calls.html"}, 2, "calls.html:4"),
    ({"template": "broken.mjml"}, 2, "broken.mjml"),
    ({"template": "latin.html"}, 2, "not UTF-8"),
    ({"from": "nobody"}, 2, "news@example.com"),
    ({"from": ""}, 2, "news@example.com"),
    ({"from": "a@bad.example, b@bad.example"}, 2, "not one address"),
    ({"from": "News\r\nBcc: x@bad.example <news@bad.example>"}, 2, "not one address"),
    ({"relay": "http://127.0.0.1:25"}, 2, "smtp://host:port"),
    ({"relay": "smtp://127.0.0.1:99999"}, 2, "1 to 65535"),
    ({"relay": "not a host"}, 2, "smtp://host:port"),
    ({"relay": "smtp://user:secret@127.0.0.1:25"}, 2, "smtp://host:port"),
    ({"cap": "-1"}, 2, "0 or more"),
    ({"cap": "many"}, 2, "--cap"),
    ({"sign": "dsa"}, 2, "none, ed25519, rsa, both"),
]  # fmt: skip


@pytest.fixture
def offline(tmp_path: Path) -> MainJob:
    """A folder without a stack, with files good and bad."""
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    return MainJob(tmp_path)


@pytest.fixture
def job(offline: MainJob, dsn: str, server: dict[str, str], log_prefix: str) -> MainJob:
    """The same with servers that are ready."""
    given = {
        "PM_KAFKA_BOOTSTRAP": server["bootstrap"],
        "PM_DATABASE_URL": dsn,
        "PM_PREFIX": log_prefix,
        "PM_ID_KEY": "a key for tests",
        "PM_SECRET_KEY": b64encode(bytes(range(32))).decode(),
        "PM_DNS_SERVER": NOWHERE,
    }
    return MainJob(offline.data, settings=given)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """The command in this process: expects its code, nothing on stdout, and gives its one line."""

    def told(job: MainJob, code: int, *arguments: str) -> str:
        for name in GIVEN:
            monkeypatch.delenv(name, raising=False)
        for name, text in job.settings.items():
            monkeypatch.setenv(name, text)
        with pytest.raises(SystemExit) as left:
            cli.main([*arguments, "--data", str(job.data)])
        out, err = capsys.readouterr()
        assert (left.value.code, out) == (code, ""), f"{arguments}: {err}"
        (line,) = err.splitlines()
        return str(line)

    return told


def order(job: MainJob, **changed: str) -> list[str]:
    """A good order but for what is changed."""
    given = {"csv": "leads.csv", "template": "letter.html", "from": "news@bad.example"} | changed
    for name in ("csv", "template"):
        given[name] = str(job.data / given[name])
    return ["send", *(word for name, text in given.items() for word in (f"--{name}", text))]


KEPT = """
SELECT regexp_replace(topic, '[.]v[0-9]+$', '') FROM es.decision_events
UNION SELECT 'a list' FROM vault.lead_list UNION SELECT 'a lead' FROM vault.contact
UNION SELECT 'a text' FROM vault.content UNION SELECT 'a sender' FROM vault.sender
"""


def kept(dsn: str) -> set[str]:
    """Which decisions were taken, and what the vault has."""
    with psycopg.connect(dsn) as conn:
        return {row[0] for row in conn.execute(KEPT)}


@pytest.mark.parametrize(("changed", "code", "cure"), REFUSED)
def test_an_order_that_cannot_be_is_one_line_that_names_the_cure(
    offline: MainJob, call: Call, changed: dict[str, str], code: int, cure: str
) -> None:
    told = call(offline, code, *order(offline, **changed))

    assert cure in told
    assert told.startswith("penguin: ")


def test_what_is_refused_leaves_nothing(job: MainJob, call: Call, dsn: str) -> None:
    for changed, code, _ in REFUSED:
        call(job, code, *order(job, **changed))

    assert kept(dsn) == set()
    assert not (job.data / "stack.json").exists()


@pytest.fixture
def relay(job: MainJob) -> Iterator[None]:
    """Without it no decision is taken."""
    command = [sys.executable, "-m", "ops.cli", "run", "relay"]
    with (job.data / "relay.log").open("wb") as log:
        process = subprocess.Popen(command, env=job.environment(), cwd=ROOT, stderr=log, stdout=log)
    yield
    process.terminate()
    process.wait(60)


def test_a_domain_that_cannot_be_looked_up_leaves_no_list(
    job: MainJob, dsn: str, relay: None
) -> None:
    told = job.refused(3, *order(job))

    assert "DNS does not answer for bad.example" in told
    assert kept(dsn) - {"SendAuthorityTaken"} == {
        *("TenantCreated", "DomainAdded", "DkimKeyCreated", "a sender"),
    }


def test_without_a_stack_every_command_says_how_to_get_one(tmp_path: Path, call: Call) -> None:
    job = MainJob(tmp_path / "none")
    commands = ["status", "doctor", "verify", "events", "projections status", "campaign watch c"]

    for command in commands:
        assert "`penguin up`" in call(job, 3, *command.split())

    assert not job.data.exists()


@pytest.mark.parametrize(
    ("lost", "address", "commands"),
    [
        (
            "PM_KAFKA_BOOTSTRAP",
            NOWHERE,
            ("up", "verify", "projections rebuild send_ledger"),
        ),
        (
            "PM_DATABASE_URL",
            f"postgresql://postgres@{NOWHERE}/postgres",
            ("up", "campaign watch c"),
        ),
    ],
)
def test_a_server_that_does_not_answer_is_named_within_seconds(
    job: MainJob, dsn: str, lost: str, address: str, commands: tuple[str, ...]
) -> None:
    models.ensure_schemas(dsn)
    job.settings[lost] = address

    for command in commands:
        began = time.monotonic()
        told = job.refused(3, *command.split())
        assert "127.0.0.1" in told
        assert lost in told
        assert time.monotonic() - began < ANSWER_WITHIN_S
