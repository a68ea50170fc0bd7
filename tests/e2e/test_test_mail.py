"""A template's test mail, over HTTP on a running stack, as it arrives at the mailbox."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import pytest

from tests.main_job_kit import PATIENCE_S, MainJob, wait_until

pytestmark = pytest.mark.stack

#: The relay has only just started; the schedule does not know the sending IP yet.
AGAIN = (409, 503)
SAID = {
    "subject": 'Hi {{ first_name | default("there") }}',
    "html": '<p>From {{ company }}</p><a href="{{ unsubscribe_url }}">Leave</a>',
}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainJob]:
    job = MainJob(tmp_path_factory.mktemp("testmail"), latency_ms=5)
    try:
        job.up()
        yield job
    finally:
        job.run("down")


@dataclass
class Caller:
    """Somebody with an API key."""

    url: str
    key: str

    def post(self, path: str, body: Any = None) -> Any:
        """One command that must succeed; asked again while the relay has only just started."""
        found: list[Any] = []

        def answered() -> bool:
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            data = json.dumps({} if body is None else body).encode()
            request = urllib.request.Request(self.url + path, data, headers, method="POST")  # noqa: S310 - the stack's own
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - as above
                    found.append(json.load(answer))
            except urllib.error.HTTPError as error:
                if error.code not in AGAIN:
                    raise
            return bool(found)

        wait_until(answered)
        return found[0]


def mail_to(job: MainJob, address: str) -> EmailMessage:
    """What arrived at the mailbox."""
    inbox = job.addresses["inbox_url"]
    query = urllib.parse.urlencode({"recipient": address})
    seen: list[str] = []

    def arrived() -> bool:
        with urllib.request.urlopen(f"{inbox}/api/messages?{query}") as answer:  # noqa: S310 - the sink's page
            seen[:] = [message["id"] for message in json.load(answer)["messages"]]
        return bool(seen)

    wait_until(arrived)
    with urllib.request.urlopen(f"{inbox}/api/messages/{seen[0]}") as answer:  # noqa: S310 - the sink's page
        return message_from_string(json.load(answer)["raw"], policy=policy.default)


def test_a_test_mail_arrives_signed_as_the_given_reader_would_see_it(job: MainJob) -> None:
    made = job.run("keys", "create", "--tenant-name", "Testers")
    caller = Caller(job.addresses["api_url"], made["key"])
    domain = caller.post("/v1/domains", {"domain": "testers.example"})
    checked = caller.post(f"/v1/domains/{domain['domain_id']}/check")
    sender = caller.post("/v1/senders", {"address": "news@testers.example", "name": "Testers"})
    caller.post("/v1/sending-ips")
    template = caller.post("/v1/templates", {"name": "Spring", "draft": SAID})
    test = {
        "sender_id": sender["sender_id"],
        "to": ["ann@gmail.com"],
        "fields": {"first_name": "Ann", "company": "A{{ b }}"},
    }
    caller.post(f"/v1/templates/{template['template_id']}/test", test)

    mail = mail_to(job, "ann@gmail.com")
    html = mail.get_body(("html",))
    assert html is not None
    assert checked["state"] == "verified"
    assert mail["subject"] == "[Test] Hi Ann"
    assert mail["from"] == "Testers <news@testers.example>"
    assert "d=testers.example" in mail["dkim-signature"]
    assert "From A{{ b }}</p>" in html.get_content()
    assert re.search(r'href="https?://[^"]+">Leave', html.get_content())
