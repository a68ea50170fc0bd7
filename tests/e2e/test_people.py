"""People on a stack of their own: our own mail arrives, its links work, the log knows nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import httpx2
import pytest

from tests.main_job_kit import MainJob, wait_until

pytestmark = pytest.mark.stack

ADDRESS = "canary.ada@people.example"
PASSWORD = "four kind penguins walk"  # noqa: S105 - of this test alone
NEXT = "seven cold penguins swim"


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainJob]:
    job = MainJob(tmp_path_factory.mktemp("people"), latency_ms=5)
    job.up()
    yield job
    job.run("down")


def mails_to(job: MainJob, address: str) -> list[EmailMessage]:
    """What arrived, the oldest first."""
    url = job.addresses["inbox_url"]
    listed = httpx2.get(f"{url}/api/messages", params={"recipient": address}).json()["messages"]
    raws = [httpx2.get(f"{url}/api/messages/{found['id']}").json()["raw"] for found in listed]
    parsed = [message_from_string(raw, policy=policy.default) for raw in raws]
    return parsed[::-1]


def mail(job: MainJob, number: int) -> EmailMessage:
    """The mail of this number to the person, waited for."""
    wait_until(lambda: len(mails_to(job, ADDRESS)) >= number)
    return mails_to(job, ADDRESS)[number - 1]


def link_of(found: EmailMessage) -> tuple[str, str]:
    """Page and token of the link in a mail."""
    part = found.get_body(("plain",))
    assert part is not None
    link = re.search(r"(https?://\S+?)#token=([\w-]+)", part.get_content())
    assert link is not None, part.get_content()
    return link[1], link[2]


@dataclass(frozen=True)
class Story:
    """What a person met with who signed up, forgot the password and logged in with a cookie."""

    page: str
    first: EmailMessage
    me: dict[str, Any]
    forged: int
    named: int


@pytest.fixture(scope="module")
def story(job: MainJob) -> Story:
    """Sign up, follow the link, forget the password, follow that, log in with a cookie."""
    base = job.addresses["api_url"]
    with httpx2.Client(base_url=base) as client:

        def post(path: str, **body: Any) -> httpx2.Response:
            return client.post(path, json=body)

        given = {"address": ADDRESS, "password": PASSWORD, "tenant_name": "Ada's"}
        assert post("/v1/auth/signup", **given).status_code == 202
        first = mail(job, 1)
        page, token = link_of(first)
        assert client.get(page).status_code == 200  # as a scanner of mail does
        assert post("/v1/auth/verify", token=token).status_code == 200

        assert post("/v1/auth/reset-request", address=ADDRESS).status_code == 202
        _, token = link_of(mail(job, 2))
        assert post("/v1/auth/reset", token=token, password=NEXT).status_code == 200

        own = {"Origin": base}
        login = {"address": ADDRESS, "password": NEXT, "cookie": True}
        assert client.post("/v1/auth/login", json=login).status_code == 403
        answer = client.post("/v1/auth/login", json=login, headers=own)
        assert (answer.status_code, answer.json()["token"]) == (200, "")
        me = client.get("/v1/me").json()
        forged = client.patch("/v1/me", json={"name": "Eve"}, headers={"Origin": "http://e.test"})
        named = client.patch("/v1/me", json={"name": "Canary Ada"}, headers=own)
    return Story(page, first, me, forged.status_code, named.status_code)


def test_our_own_mail_goes_through_our_own_pipeline_and_its_links_work(
    job: MainJob, story: Story
) -> None:
    assert story.page == f"{job.addresses['api_url']}/verify"
    assert story.first["From"] == "PenguinMails <accounts@penguinmails.example>"
    assert "d=penguinmails.example" in story.first["DKIM-Signature"]
    assert story.first["List-Unsubscribe"] is None
    assert (story.me["email_verified"], len(story.me["memberships"])) == (True, 1)
    assert (story.forged, story.named) == (403, 200)


@pytest.mark.usefixtures("story")
def test_an_operator_shuts_a_person_out_of_every_tenant_and_lets_them_in_again(
    job: MainJob,
) -> None:
    """Both recorded with their reasons."""
    url = f"{job.addresses['api_url']}/v1/auth/login"
    login = {"address": ADDRESS, "password": NEXT}
    deed = (ADDRESS, "--everywhere", "--reason")

    out = job.run("users", "disable", *deed, "security")
    refused = httpx2.post(url, json=login).status_code
    back = job.run("users", "enable", *deed, "left")
    let_in = httpx2.post(url, json=login).status_code

    assert (out["state"], back["state"]) == ("disabled", "enabled")
    assert (refused, let_in) == (401, 200)
    assert reason_of(job, "UserDisabled") == "security"
    assert reason_of(job, "UserEnabled") == "left"


def reason_of(job: MainJob, name: str) -> str:
    """Of the last event of this type, waited for."""
    wait_until(lambda: bool(job.lines("events", "--type", name)))
    return str(job.lines("events", "--type", name)[-1]["data"]["reason"])


@pytest.mark.usefixtures("story")
def test_i10_the_log_knows_no_person_who_logs_in(job: MainJob) -> None:
    """Events of every kind that the deeds before left; none of them tells an address or secret."""
    events = job.lines("events")
    log = json.dumps(events).lower()

    assert {"UserRegistered", "EmailVerified", "PasswordChanged", "OutcomesRecorded"} <= {
        event["type"] for event in events
    }
    for word in ("canary", "people.example", "penguins", "argon2", "token="):
        assert word not in log
