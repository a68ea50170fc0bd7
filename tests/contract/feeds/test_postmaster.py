"""Google Postmaster Tools v2: the documented contract, against a stand-in that enforces it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from adapters.feeds.postmaster import Account, PostmasterFeed, account_from
from domain.reputation.ports import FeedRefused, FeedUnavailable, SpamShare
from tests.feeds_kit import EMAIL, Google, new_key, served

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 7)
WEEK = {FIRST + timedelta(n): n / 1000 for n in range(7)}
KEY, PEM = new_key()


@dataclass
class Asked:
    """The stand-in, and the feed that asks it."""

    google: Google
    feed: PostmasterFeed
    file: Path

    def read(self, *domains: str) -> tuple[list[SpamShare], tuple[str, ...]]:
        answer = self.feed.read(domains, FIRST, LAST)
        return list(answer.shares), answer.problems


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    google = Google(
        KEY,
        {"a.example": WEEK, "b.example": {LAST: 0.0031}, "c.example": {}},
        hidden={"hidden.example"},
        unverified={"new.example"},
    )
    with served(google) as url:
        file = tmp_path / "account.json"
        file.write_text(
            json.dumps({"client_email": EMAIL, "private_key": PEM, "token_uri": f"{url}/token"})
        )
        feed = PostmasterFeed(partial(account_from, file), url, clock=lambda: google.now)
        yield Asked(google, feed, file)


def test_every_page_of_every_domain_is_read(asked: Asked) -> None:
    shares, problems = asked.read("a.example", "b.example", "c.example")
    assert shares == [
        *(
            SpamShare("a.example", "gmail", day, round(rate * 1_000_000))
            for day, rate in WEEK.items()
        ),
        SpamShare("b.example", "gmail", LAST, 3100),
    ]
    assert problems == ()
    assert asked.google.calls.count("GET /v2/domains") == 3
    assert asked.google.calls.count("POST /v2/domains/a.example/domainStats:query") == 4


def test_a_token_serves_until_it_expires(asked: Asked) -> None:
    asked.read("b.example")
    asked.read("b.example")
    assert asked.google.calls.count("POST /token") == 1
    asked.google.now += 3600
    assert asked.read("b.example")[0]
    assert asked.google.calls.count("POST /token") == 2


def test_a_token_that_is_no_longer_taken_is_made_anew_once(asked: Asked) -> None:
    asked.read("b.example")
    asked.google.tokens.clear()
    assert asked.read("b.example")[0]
    assert asked.google.calls.count("POST /token") == 2


def test_domains_that_it_tells_nothing_of_are_named_with_their_cure(asked: Asked) -> None:
    shares, problems = asked.read("b.example", "hidden.example", "new.example", "none.example")
    assert [share.subject for share in shares] == ["b.example"]
    hidden, new, none = problems
    assert "hidden.example" in hidden
    assert "Manage users" in hidden
    assert "new.example is not verified" in new
    assert "none.example is not there: add and verify it" in none


def test_a_revoked_key_is_refused_with_its_cure_and_without_googles_words(asked: Asked) -> None:
    asked.google.revoked = True
    with pytest.raises(FeedRefused, match=r"invalid_grant.*key was revoked") as refused:
        asked.read("b.example")
    assert "private" not in str(refused.value)


def test_too_many_calls_wait_as_long_as_they_are_told(asked: Asked) -> None:
    asked.google.limited = 1
    with pytest.raises(FeedUnavailable, match="429") as away:
        asked.read("b.example")
    assert away.value.after_s == 120
    assert asked.read("b.example")[0]


def test_nobody_is_asked_without_a_domain(asked: Asked) -> None:
    assert asked.read() == ([], ())
    assert asked.google.calls == []


@pytest.mark.parametrize("content", ["{}", "no json", '{"client_email": 1}'])
def test_a_file_that_is_no_key_is_refused_with_its_cure(asked: Asked, content: str) -> None:
    asked.file.write_text(content)
    with pytest.raises(FeedRefused, match="PM_POSTMASTER_ACCOUNT_FILE"):
        asked.read("b.example")


def test_a_key_that_is_none_is_refused(asked: Asked) -> None:
    held = json.loads(asked.file.read_text())
    asked.file.write_text(json.dumps(held | {"private_key": "none"}))
    with pytest.raises(FeedRefused, match="private key is none"):
        asked.read("b.example")


def test_a_share_above_one_is_refused_not_believed(asked: Asked) -> None:
    asked.google.rates["b.example"][LAST] = 3.1
    with pytest.raises(FeedRefused, match=r"3\.1, which is no share"):
        asked.read("b.example")


@pytest.mark.parametrize("part", ["token", "data"])
def test_keys_do_not_travel_in_the_clear(part: str) -> None:
    urls = {"token": "https://token.example/token", "data": "https://google.example"}
    urls |= {part: urls[part].replace("https", "http")}
    account = Account(EMAIL, PEM.encode(), urls["token"])
    feed = PostmasterFeed(lambda: account, urls["data"])
    feed._token, feed._token_until = ("t", 1e12) if part == "data" else ("", 0.0)
    with pytest.raises(FeedRefused, match="must begin with https"):
        feed.read(["a.example"], FIRST, LAST)
