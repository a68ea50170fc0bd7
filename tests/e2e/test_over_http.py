"""The whole main job over HTTP alone, by a stranger who has the docs page and nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.main_job_kit import PATIENCE_S, ROOT, MainJob, wait_until

pytestmark = pytest.mark.stack

PASSWORD = "four kind penguins walk"  # noqa: S105 - of this test alone
LEADS = 40


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainJob]:
    job = MainJob(tmp_path_factory.mktemp("http"), latency_ms=5)
    try:
        job.up()
        yield job
    finally:
        job.run("down")


class Stranger:
    """Somebody with an HTTP client."""

    def __init__(self, job: MainJob) -> None:
        self.job, self.token = job, ""

    def call(self, method: str, path: str, body: Any = None, raw: bytes = b"") -> Any:
        """One request that must succeed; its JSON."""
        with self.open(method, path, body, raw) as answer:
            return json.load(answer)

    def open(self, method: str, path: str, body: Any = None, raw: bytes = b"") -> Any:
        headers = {"Content-Type": "text/csv" if raw else "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = raw or (json.dumps(body).encode() if body is not None else None)
        url = self.job.addresses["api_url"] + path
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - the stack's own
        try:
            return urllib.request.urlopen(request, timeout=PATIENCE_S)  # noqa: S310 - as above
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{method} {path}: {refused.read().decode()}") from refused

    def sign_up(self, address: str) -> None:
        """Sign up, follow the link in the mail, log in."""
        given = {"address": address, "password": PASSWORD}
        self.call("POST", "/v1/auth/signup", given | {"tenant_name": "Strangers"})
        self.call("POST", "/v1/auth/verify", {"token": self.mailed(address, r"token=([\w-]+)")})
        self.token = self.call("POST", "/v1/auth/login", given)["token"]

    def mailed(self, address: str, pattern: str) -> str:
        """What the newest mail to an address says where the pattern says."""
        inbox = self.job.addresses["inbox_url"]

        def listed() -> list[dict[str, Any]]:
            with urllib.request.urlopen(f"{inbox}/api/messages?recipient={address}") as answer:  # noqa: S310 - the sink's page
                found: list[dict[str, Any]] = json.load(answer)["messages"]
                return found

        wait_until(lambda: bool(listed()))
        with urllib.request.urlopen(f"{inbox}/api/messages/{listed()[0]['id']}") as answer:  # noqa: S310 - the sink's page
            raw = json.load(answer)["raw"]
        found = re.search(pattern, raw.replace("=\r\n", "").replace("=3D", "="))
        assert found, raw
        return found[1]


def imported(me: Stranger) -> str:
    """A file of leads, one of its rows broken, as a list; the list's id."""
    rows = "".join(f"lead{n}@strange-leads.example,Lead {n}\n" for n in range(LEADS))
    file = f"email,first_name\nnobody,Nobody\n{rows}".encode()
    uploaded = me.call("POST", "/v1/imports?list_name=Readers&file_name=a.csv", raw=file)
    path = f"/v1/imports/{uploaded['import_id']}"
    me.call("POST", f"{path}/start", {})
    wait_until(lambda: me.call("GET", path)["state"] == "done")
    found = me.call("GET", path)
    assert (found["imported"], found["rejected"]) == (LEADS, 1)
    with me.open("GET", f"{path}/errors") as answer:
        assert b"nobody" in answer.read()
    return str(found["list_id"])


def published(me: Stranger) -> str:
    html = '<p>Hi {{ first_name }}</p><p><a href="{{ unsubscribe_url }}">No more</a></p>'
    draft = {"subject": 'Hi {{ first_name | default("you") }}', "html": html}
    made = me.call("POST", "/v1/templates", {"name": "Hello", "draft": draft})
    me.call("POST", f"/v1/templates/{made['template_id']}/publish")
    return str(made["template_id"])


def watched(me: Stranger, campaign_id: str) -> dict[str, Any]:
    """The campaign's counters as they were told last, once it was told to be finished."""
    counters: dict[str, Any] = {}
    deadline, event = time.monotonic() + PATIENCE_S, ""
    with me.open("GET", "/v1/live") as stream:
        for line in stream:
            assert time.monotonic() < deadline
            name, _, value = line.decode().rstrip().partition(": ")
            event = value if name == "event" else event
            told = json.loads(value) if name == "data" else {}
            if told.get("campaign_id") == campaign_id:
                counters = told if event == "campaign.counters" else counters
                if event == "campaign.state" and told["state"] == "finished":
                    return counters
    raise AssertionError("the stream ended")


def test_a_stranger_does_the_whole_job_over_http(job: MainJob) -> None:
    me = Stranger(job)
    me.sign_up("ada@stranger.example")
    domain = me.call("POST", "/v1/domains", {"domain": "stranger.example"})
    checked = me.call("POST", f"/v1/domains/{domain['domain_id']}/check")
    assert checked["state"] == "verified"
    sender = me.call("POST", "/v1/senders", {"address": "news@stranger.example", "name": "Ada"})
    me.call("POST", "/v1/sending-ips", {})
    parts = {"template_id": published(me), "list_ids": [imported(me)]}
    given = parts | {"name": "Hello", "sender_id": sender["sender_id"]}
    campaign_id = me.call("POST", "/v1/campaigns", given)["campaign_id"]
    launched = me.call("POST", f"/v1/campaigns/{campaign_id}/launch")

    counters = watched(me, campaign_id)
    path = f"/v1/campaigns/{campaign_id}?min_position={launched['position']}"
    assert me.call("GET", path)["counters"]["accepted"] == LEADS
    assert counters["requested"] == LEADS
    assert exported(me, campaign_id) == Counter({"accepted": LEADS})
    assert sum(job.received("strange-leads").values()) == LEADS
    assert job.run("verify")["ok"]


def exported(me: Stranger, campaign_id: str) -> Counter[str]:
    """The ledger as a file: how many rows are in which state."""
    asked = {"format": "csv", "filter": {"campaign_id": campaign_id}, "with_addresses": True}
    made = me.call("POST", "/v1/exports", asked)
    with me.open("GET", f"/v1/exports/{made['export_id']}/download") as answer:
        rows = csv.DictReader(io.TextIOWrapper(answer, "utf-8"))
        return Counter(row["state"] for row in rows)


def test_the_example_with_the_generated_client_does_it_as_well(
    job: MainJob, tmp_path: Path
) -> None:
    out = tmp_path / "ledger.csv"
    addresses = ("--api", job.addresses["api_url"], "--inbox", job.addresses["inbox_url"])
    done = subprocess.run(
        [sys.executable, "examples/over_http.py", *addresses, "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "500 rows" in done.stdout
    assert len(out.read_bytes().splitlines()) == 501
