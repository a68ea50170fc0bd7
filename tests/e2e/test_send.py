"""`penguin send`, as scripts call it: what goes in, what it says, what the mailbox gets."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dkim
import dns.resolver
import pytest
from aiosmtpd.controller import Controller

from ops.stack.processes import choose_ports
from tests.main_job_kit import MainJob, ended, wait_until

pytestmark = pytest.mark.stack

ENDS = ("accepted", "rejected", "suppressed", "expired", "cancelled", "ambiguous")
#: Retries of 72 hours within seconds.
RETRY_SCALE = "0.00001"
#: Local part → its end, as the README's table has it, and the mails that lie at the mailbox then.
SCRIPTED = {
    "plain-1": ("accepted", 1),
    "greylist-1": ("accepted", 1),
    "slow500-1": ("accepted", 1),
    "unknown-1": ("rejected", 0),
    "policy-1": ("rejected", 0),
    "policy-data-1": ("rejected", 0),
    "full5-1": ("rejected", 0),
    "reject-data-1": ("rejected", 0),
    "drop-at-dot-1": ("ambiguous", 0),
    "drop-after-dot-1": ("ambiguous", 1),
    "drop-before-dot-1": ("expired", 0),
    "tempfail-1": ("expired", 0),
    "full-1": ("expired", 0),
}
LETTER = """---
subject: {{ first_name | default("Friend") }}, news for {{ city | default("your city") }}
---
<p>Hello {{firstName|there}}, <a href="https://example.com/x">look</a>,
<a href="{{ unsubscribe_url }}">out</a></p>
"""


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainJob]:
    """A stack whose retries take seconds."""
    data = tmp_path_factory.mktemp("send")
    job = MainJob(data, latency_ms=0, settings={"PM_RETRY_SCALE": RETRY_SCALE})
    job.up()
    yield job
    job.run("down")


def csv_of(job: MainJob, name: str, content: str | bytes) -> Path:
    path = job.data / f"{name}.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def proven(job: MainJob, found: dict[str, Any]) -> dict[str, Any]:
    """The campaign as the log has it, once it holds and the sink agrees."""
    sink = str(job.data / "sink" / "received.jsonl")
    proof = job.run("verify", "--campaign", found["campaign_id"], "--against-sink", sink)
    assert proof["ok"], proof["violations"]
    (campaign,) = proof["campaigns"]
    assert [campaign[end] for end in ENDS] == [found[end] for end in ENDS]
    return dict(campaign)


def asked(url: str) -> Any:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - the stack's own page
        return json.load(answer)


def raw_mails(job: MainJob, recipient: str) -> list[bytes]:
    """A recipient's messages as the mailbox took them, by the inbox page's JSON."""
    url = job.addresses["inbox_url"]
    listed = asked(f"{url}/api/messages?recipient={recipient}")["messages"]
    return [asked(f"{url}/api/messages/{entry['id']}")["raw"].encode() for entry in listed]


def inbox(job: MainJob, recipient: str) -> list[EmailMessage]:
    """The same as a mail program reads them."""
    mails = raw_mails(job, recipient)
    return [message_from_bytes(mail, policy=policy.default) for mail in mails]


def test_every_scripted_recipient_ends_as_documented(job: MainJob) -> None:
    rows = [f"{local}@scripted.example" for local in SCRIPTED]
    rows += ["a@nullmx1.scripted.example", "a@nxdomain1.scripted.example"]

    found = ended(job.send(csv_of(job, "scripted", "email\n" + "\n".join(rows))))

    wanted = [end for end, _ in SCRIPTED.values()] + ["rejected"] * 2
    assert {end: found[end] for end in ENDS} == {end: wanted.count(end) for end in ENDS}
    assert (found["requested"], found["open"], found["state"]) == (len(rows), 0, "finished")
    received = job.received("scripted")
    assert received == {f"{x}@scripted.example": 1 for x, (_, mails) in SCRIPTED.items() if mails}
    proven(job, found)


def test_i12_only_addresses_that_were_refused_for_good_get_no_more_mail(job: MainJob) -> None:
    """A policy rejection, a full mailbox, a refused text: the next campaign tries them again."""
    soft = ("policy-2", "policy-data-2", "full5-2", "reject-data-2", "drop-after-dot-2")
    hard = ("unknown-2@again", "a@nullmx2.again", "a@nxdomain2.again")
    rows = [f"{local}@again.example" for local in soft] + [f"{address}.example" for address in hard]
    csv = csv_of(job, "again", "email\n" + "\n".join(rows))
    before = len(job.lines("events", "--type", "ContactSuppressed"))

    first = ended(job.send(csv))
    wait_until(
        lambda: len(job.lines("events", "--type", "ContactSuppressed")) >= before + len(hard)
    )
    second = ended(job.send(csv))

    assert (first["rejected"], first["suppressed"], first["ambiguous"]) == (7, 0, 1)
    assert (second["rejected"], second["suppressed"], second["ambiguous"]) == (4, 3, 1)
    reasons = {
        line["data"]["reason"] for line in job.lines("events", "--type", "ContactSuppressed")
    }
    assert reasons == {"hard_bounce"}
    proven(job, second)


def test_what_cannot_be_a_lead_is_counted_and_left_out(job: MainJob) -> None:
    rows = [
        "email,firstName,city",
        "ada@rows.example,Ada,Oslo",
        "ADA@rows.example,Ada,Bergen",  # the same mailbox
        "bo@rows.example,Bo,Porto",
        "bo@rows.example,,Faro",
        "no-at.rows.example,No,At",
        "two@@rows.example,Two,Ats",
        ",No,Address",
        "few@rows.example,Few",
        'quote@rows.example,"open,Quote',
        "nul@rows.example,N\0ul,Byte",
        "chloe@rows.example,Chloé,Kraków",
    ]
    garbage = "\n".join(rows).encode() + b"\nlatin@rows.example,J\xfcrgen,Ulm\n"

    found = ended(job.send(csv_of(job, "rows", garbage)))

    assert found["import"] == {"rows": 12, "imported": 3, "duplicates": 2, "rejected": 7}
    assert found["requested"] == found["accepted"] == 3
    assert len(job.received("rows")) == 3


def test_a_file_of_any_usual_encoding_and_delimiter_is_read(job: MainJob) -> None:
    def text(name: str, mark: str = ",") -> str:
        lines = ["E-Mail", "first name", "city"], [f"ren@{name}.example", "René", "Évora"]
        more = [[f"x{n}@{name}.example", "Jürgen", "Köln"] for n in range(30)]
        return "\r\n".join(mark.join(line) for line in [*lines, *more]) + "\r\n"

    files = {
        "latin": text("latin").encode("latin-1"),
        "wide": text("wide", "\t").encode("utf-16"),
        "marked": text("marked", ";").encode("utf-8-sig"),
        "semi": text("semi", ";").encode(),
    }

    sendings = [job.start(*job.order(csv_of(job, name, files[name])), "--wait") for name in files]

    for name, sending in zip(files, sendings, strict=True):
        found = ended(sending)
        assert found["import"] == {"rows": 31, "imported": 31, "duplicates": 0, "rejected": 0}
        assert found["accepted"] == 31
        (message,) = inbox(job, f"ren@{name}.example")
        assert message["subject"] == "Hello René"


def test_a_mail_is_personal_signed_and_says_how_to_leave(job: MainJob) -> None:
    csv = csv_of(
        job, "letter", "email,firstName,city\nada@letter.example,Ada,Oslo\nbo@letter.example,,\n"
    )
    template = job.data / "letter.html"
    template.write_text(LETTER)
    order = (
        "--csv",
        str(csv),
        "--template",
        str(template),
        "--from",
        "Pingüin <p@letters.example>",
    )

    found = job.run("send", *order, "--sign", "rsa", "--wait")

    assert found["accepted"] == 2
    (ada,), (bo,) = inbox(job, "ada@letter.example"), inbox(job, "bo@letter.example")
    assert ada["subject"] == "Ada, news for Oslo"
    assert bo["subject"] == "Friend, news for your city"
    assert "Hello Ada," in text_of(ada)
    assert "Hello there," in text_of(bo)
    assert ada["message-id"] != bo["message-id"]
    for message, address in ((ada, "ada@letter.example"), (bo, "bo@letter.example")):
        assert message["to"] == address
        assert message.get_all("cc") is message.get_all("bcc") is None
        assert message["from"] == "Pingüin <p@letters.example>"
        assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        assert message["list-unsubscribe"].startswith("<https://")
        assert [message[name] is not None for name in ("date", "feedback-id")] == [True, True]


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize(
    ("sign", "algorithms"),
    [("none", []), ("both", ["rsa", "ed25519"])],
)
def test_signatures_are_those_asked_for_and_verify_against_dns(
    job: MainJob, sign: str, algorithms: list[str]
) -> None:
    """Dkimpy judges the RSA ones: without PyNaCl it cannot read the others."""
    csv = csv_of(job, f"sign-{sign}", f"email\nada@sign-{sign}.example\n")

    assert job.run(*job.order(csv), "--sign", sign, "--wait")["accepted"] == 1

    (message,) = raw_mails(job, f"ada@sign-{sign}.example")
    parsed = message_from_bytes(message)
    signatures = parsed.get_all("DKIM-Signature", [])
    found = [a for text in signatures for a in ("rsa", "ed25519") if f"a={a}-sha256" in text]
    assert sorted(found) == sorted(algorithms)
    if "rsa" in found:
        ask, place = published(job), found.index("rsa")
        assert dkim.DKIM(message).verify(place, dnsfunc=ask)
        with pytest.raises(dkim.ValidationError):
            dkim.DKIM(message + b"more\r\n").verify(place, dnsfunc=ask)


def published(job: MainJob) -> Any:
    """Asks the stack's own DNS stand-in for TXT records."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = json.loads((job.data / "stack.json").read_text())["ports"]["dns"]

    def ask(name: bytes, timeout: int = 5) -> bytes:
        (record,) = resolver.resolve(name.decode(), "TXT", lifetime=timeout)
        return b"".join(record.strings)

    return ask


class Relay:
    """A submission server that takes everything."""

    def __init__(self) -> None:
        self.recipients: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        self.recipients += envelope.rcpt_tos
        return "250 taken"


def test_a_relay_gets_the_mail_instead_of_the_mailbox(job: MainJob) -> None:
    csv, handler = job.write_leads("relayed", 20), Relay()
    controller = Controller(handler, hostname="127.0.0.1", port=choose_ports(1)[0])
    controller.start()
    try:
        found = ended(job.send(csv, "--relay", f"smtp://127.0.0.1:{controller.port}"))
    finally:
        controller.stop()

    assert found["accepted"] == 20
    assert sorted(handler.recipients) == sorted(f"lead{n}@relayed.example" for n in range(20))
    assert not job.received("relayed")


def test_a_cap_binds_exactly_its_own_campaign_and_a_higher_one_frees_the_rest(
    job: MainJob,
) -> None:
    """I7 at the sink: so many to each provider; another campaign without a cap goes on beside."""
    if datetime.now(UTC).date() != (datetime.now(UTC) + timedelta(minutes=20)).date():
        pytest.skip("the UTC day of the cap ends within minutes")
    both = job.write_leads("capped", 12).read_text()
    both += "".join(f"capped{n}@gmail.com,Name\n" for n in range(9))
    capped = job.send(csv_of(job, "capped", both), "--cap", "5")
    free = job.send(job.write_leads("uncapped", 40))

    found, beside = ended(capped), ended(free)

    assert beside["accepted"] == len(job.received("uncapped")) == 40
    assert (found["accepted"], found["open"], found["state"]) == (10, 11, "running")
    assert found["held"]["by"] == "cap"
    assert datetime.fromisoformat(found["held"]["until"]) > datetime.now(UTC)
    assert job.received("capped").total() == 5

    nothing = ended(job.send(job.write_leads("nothing", 3), "--cap", "0"))
    assert (nothing["accepted"], nothing["open"], nothing["held"]["by"]) == (0, 3, "cap")
    assert not job.received("nothing")
    proven(job, found)

    ended(job.send(job.write_leads("more", 1), "--cap", "500"))
    freed = job.run("campaign", "watch", found["campaign_id"])
    assert (freed["accepted"], freed["open"], freed["state"]) == (21, 0, "finished")
    assert job.received("capped").total() == 12
    proven(job, freed)


def test_without_wait_it_returns_at_the_launch(job: MainJob) -> None:
    found = job.run(*job.order(job.write_leads("launched", 50)), "--name", "March letter")

    assert (found["state"], found["requested"], found["open"]) == ("running", 50, 50)
    assert found["import"]["imported"] == 50
    assert job.run("campaign", "watch", found["campaign_id"])["accepted"] == 50
