"""Google Postmaster Tools API v2: the share of a day's mail from a domain that users called spam.

Sources: developers.google.com/workspace/gmail/postmaster (v2: domains, domains.domainStats.query),
developers.google.com/identity/protocols/oauth2/service-account. It tells a share, no counts, days
later, and nothing of days with little mail. That SPAM_RATE is a fraction of 1 is as in v1.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from adapters.feeds import exchange, jwt
from domain.reputation.ports import FeedAnswer, FeedRefused, SpamShare

WHO = "Google Postmaster Tools"
SCOPE = "https://www.googleapis.com/auth/postmaster.traffic.readonly"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - where tokens are asked for
ASSERTION_S, SPARE_S = 3600, 60
PAGE, PAGES_MAX = 200, 100
METRIC = "spam_rate"
OK, UNSIGNED, FORBIDDEN = 200, 401, 403


@dataclass(frozen=True)
class Account:
    """A service account's key, as Google hands it out."""

    email: str
    key_pem: bytes
    token_url: str
    user: str = ""  # on whose behalf it asks


def account_from(path: Path, user: str = "") -> Account:
    """Read the JSON key file. Raises FeedRefused with the cure."""
    try:
        held = json.loads(path.read_text())
        return Account(
            str(held["client_email"]),
            str(held["private_key"]).encode(),
            str(held.get("token_uri") or TOKEN_URL),
            user,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FeedRefused(
            f"PM_POSTMASTER_ACCOUNT_FILE is no key of a service account ({type(error).__name__}):"
            " make one (JSON) at console.cloud.google.com, IAM, Service accounts"
        ) from None


class PostmasterFeed:
    """`domain.reputation.ports.ReputationFeed` on Postmaster Tools. `clock` is Unix time."""

    name = "postmaster"
    kind = "domain"
    configured = True

    def __init__(
        self,
        account: Callable[[], Account],
        url: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._account, self._url, self._clock = account, url.rstrip("/"), clock
        self._token, self._token_until = "", 0.0

    def read(self, subjects: Collection[str], since: date, until: date) -> FeedAnswer:
        """See the port. A domain that it will not tell of is a problem, and stops no other."""
        if not subjects:
            return FeedAnswer()
        registered = dict(self._domains())
        shares: list[SpamShare] = []
        problems = []
        for domain in sorted(subjects):
            state = registered.get(domain)
            if state is None or state == "UNVERIFIED":
                what = "is not verified" if state else "is not there"
                problems.append(f"{domain} {what}: add and verify it at postmaster.google.com")
                continue
            try:
                shares += self._shares(domain, since, until)
            except _Forbidden:
                problems.append(
                    f"{domain} is not ours to see: share it with the service account at"
                    " postmaster.google.com, Manage users"
                )
        return FeedAnswer(tuple(shares), tuple(problems))

    def _domains(self) -> Iterator[tuple[str, str]]:
        """Each domain that the account sees, and whether it is verified."""
        try:
            for page in self._pages("/v2/domains", None):
                for domain in page.get("domains", ()):
                    name = str(domain.get("name", "")).removeprefix("domains/")
                    yield name, str(domain.get("verificationState", "VERIFIED"))
        except _Forbidden:
            raise FeedRefused(
                f"{WHO}: the service account may not ask; enable the Postmaster Tools API in its"
                " project, and add the account as a user at postmaster.google.com"
            ) from None

    def _shares(self, domain: str, since: date, until: date) -> Iterator[SpamShare]:
        question = {
            "metricDefinitions": [{"name": METRIC, "baseMetric": {"standardMetric": "SPAM_RATE"}}],
            "timeQuery": {
                "dateRanges": {"dateRanges": [{"start": _day(since), "end": _day(until)}]}
            },
            "aggregationGranularity": "DAILY",
        }
        path = f"/v2/domains/{quote(domain)}/domainStats:query"
        for page in self._pages(path, question):
            for stat in page.get("domainStats", ()):
                if stat.get("metric") == METRIC:
                    yield _share(domain, stat)

    def _pages(self, path: str, question: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
        """Every page of an answer. Paging is in the address of a GET, in the body of a POST."""
        token = ""
        for _ in range(PAGES_MAX):
            paging = {"pageSize": PAGE} | ({"pageToken": token} if token else {})
            if question is None:
                page = self._call(f"{path}?{urlencode(paging)}", None)
            else:
                page = self._call(path, json.dumps(dict(question) | paging).encode())
            yield page
            token = str(page.get("nextPageToken", ""))
            if not token:
                return
        raise FeedRefused(f"{WHO} has more than {PAGES_MAX} pages; ask for fewer days")

    def _call(self, path: str, body: bytes | None) -> dict[str, Any]:
        """One call, again with a new token when the old one is no longer taken."""
        for again in (True, False):
            headers = {"Authorization": f"Bearer {self._bearer()}"}
            if body is not None:
                headers["Content-Type"] = "application/json"
            answer = exchange.ask(WHO, self._url + path, body=body, headers=headers)
            if answer.status == UNSIGNED and again:
                self._token = ""
                continue
            break
        if answer.status == FORBIDDEN:
            raise _Forbidden
        if answer.status == UNSIGNED:
            raise FeedRefused(f"{WHO} takes no token of this account: make a new key for it")
        if answer.status != OK:
            raise FeedRefused(f"{WHO} answered {answer.status}: {_reason(answer.body)}")
        return _object(answer.body)

    def _bearer(self) -> str:
        """A token, kept until shortly before it expires (RFC 7523)."""
        if self._token and self._clock() < self._token_until:
            return self._token
        account, now = self._account(), int(self._clock())
        claims: dict[str, str | int] = {"iss": account.email, "scope": SCOPE, "iat": now}
        claims |= {"aud": account.token_url, "exp": now + ASSERTION_S}
        if account.user:
            claims["sub"] = account.user
        try:
            assertion = jwt.signed(claims, account.key_pem)
        except ValueError:
            raise FeedRefused(f"{WHO}: the account's private key is none; make a new one") from None
        form = urlencode({"grant_type": GRANT, "assertion": assertion}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = exchange.ask(WHO, account.token_url, body=form, headers=kind)
        told = _object(answer.body)
        if answer.status != OK or not told.get("access_token"):
            raise FeedRefused(
                f"{WHO} gives no token ({told.get('error', answer.status)}): the key was revoked,"
                " this machine's clock is wrong, or the account may not act for PM_POSTMASTER_USER"
            )
        self._token = str(told["access_token"])
        self._token_until = now + float(told.get("expires_in", ASSERTION_S)) - SPARE_S
        return self._token


class _Forbidden(Exception):  # noqa: N818 - an answer, judged by who asked
    """403."""


def _share(domain: str, stat: Mapping[str, Any]) -> SpamShare:
    told = stat.get("value", {})
    value = told.get("doubleValue", told.get("floatValue"))
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise FeedRefused(f"{WHO} told a spam rate of {value!r}, which is no share")
    try:
        day = date(*(int(stat["date"][part]) for part in ("year", "month", "day")))
    except (KeyError, TypeError, ValueError):
        raise FeedRefused(f"{WHO} told a spam rate without its day") from None
    return SpamShare(domain, "gmail", day, round(value * 1_000_000))


def _day(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise FeedRefused(f"{WHO} answered what is no JSON object; is PM_POSTMASTER_URL right?")
    return found


def _reason(body: bytes) -> str:
    """What Google calls the fault: a status in capitals, never its text."""
    error = _object(body).get("error", {})
    return str(error.get("status", "no reason") if isinstance(error, dict) else "no reason")[:60]
