"""One HTTP exchange with a provider: small answers, in time, and never a secret in an error."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from ipaddress import ip_address
from urllib.parse import urlsplit

from domain.reputation.ports import FeedRefused, FeedUnavailable

TIMEOUT_S = 30.0
ANSWER_MAX_BYTES = 8 << 20
RETRY_S, RETRY_MAX_S = 900.0, 6 * 3600.0
TOO_MANY = 429
FAULT = 500


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    kind: str  # content type, without parameters
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key elsewhere."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def ask(
    who: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """The answer, whatever its status below 500 but 429. Raises FeedRefused, FeedUnavailable.

    `who` names the provider in errors: an address may hold a key, and is never shown.
    """
    _require_private(who, url)
    request = urllib.request.Request(  # noqa: S310 - checked above
        url, data=body, headers=dict(headers or {}), method="GET" if body is None else "POST"
    )
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S) as found:
            answer = _read(found.status, found.headers, found.read(ANSWER_MAX_BYTES + 1))
    except urllib.error.HTTPError as error:
        with error:
            if error.code == TOO_MANY or error.code >= FAULT:
                raise FeedUnavailable(
                    f"{who} answered {error.code}", _after_s(error.headers)
                ) from None
            answer = _read(error.code, error.headers, error.read(ANSWER_MAX_BYTES + 1))
    except (OSError, HTTPException) as error:
        reason = type(getattr(error, "reason", error)).__name__
        raise FeedUnavailable(f"{who} did not answer: {reason}", RETRY_S) from None
    if len(answer.body) > ANSWER_MAX_BYTES:
        raise FeedRefused(f"{who} answered more than {ANSWER_MAX_BYTES >> 20} MiB; narrow its data")
    return answer


def _read(status: int, headers: Message, body: bytes) -> Answer:
    return Answer(status, headers.get_content_type(), body)


def _after_s(headers: Message) -> float:
    told = headers.get("Retry-After", "")
    return min(max(float(told), 1.0), RETRY_MAX_S) if told.isdecimal() else RETRY_S


def _require_private(who: str, url: str) -> None:
    """Keys travel over TLS, or stay on this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return
    raise FeedRefused(f"{who}: its address must begin with https://")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
