"""What every method of the client stands on; the generated file begins with it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

TRIES = 4  # of a request that was answered "later" or not at all
WAIT_MAX_S = 30.0
OMIT: Any = object()  # of an argument: leave it out of the request


class Problem(Exception):  # noqa: N818 - an answer
    """The API says no (RFC 9457): `code` is stable, `detail` names what is wrong and the cure."""

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        self.status, self.told = status, told
        self.code = str(told.get("code", ""))
        self.detail = str(told.get("detail", ""))
        super().__init__(f"{status} {self.code}: {self.detail}")


class Transport:
    """Sends requests and reads answers; waits and repeats where the API says "later".

    A request that changes something carries an Idempotency-Key, so that repeating it is safe.
    """

    def __init__(self, base_url: str, token: str = "", tenant: str = "") -> None:
        self.base_url, self.token, self.tenant = base_url.rstrip("/"), token, tenant
        self.position: int | None = None  # of the last command: `min_position` to read it at

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> Any:
        """One request; what came back. Raises Problem, OSError when nobody answers."""
        sent = {name: str(value) for name, value in (headers or {}).items() if value is not OMIT}
        data = None
        if body is not None:
            data = json.dumps({k: v for k, v in body.items() if v is not OMIT}).encode()
            sent["Content-Type"] = "application/json"
        return self.send(method, path, query, data, sent)

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """As `call`, with a body that is ready, such as a file."""
        request = urllib.request.Request(  # noqa: S310 - the caller's own address
            self._address(path, query), data, self._headers(method, headers or {}), method=method
        )
        for left in reversed(range(TRIES)):
            try:
                with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
                    return self._read(answer)
            except urllib.error.HTTPError as error:
                later = self._later(error)
                if later is None or not left:
                    raise _problem(error) from None
                time.sleep(later)
        raise AssertionError

    def pages(self, ask: Callable[..., Any], **filters: Any) -> Iterator[Any]:
        """Every element of a list, page by page: `client.pages(client.list_leads, tag="vip")`."""
        cursor: Any = OMIT
        while True:
            page = ask(**filters, cursor=cursor)
            yield from page["data"]
            if not page["has_more"]:
                return
            cursor = page["next_cursor"]

    def events(self, path: str, last_event_id: str = OMIT) -> Iterator[tuple[str, str, Any]]:
        """Live changes as (id, event, data) until the stream ends: go on with the last id then."""
        headers = {"Accept": "text/event-stream"}
        if last_event_id is not OMIT:
            headers["Last-Event-ID"] = last_event_id
        request = urllib.request.Request(  # noqa: S310 - the caller's own address
            self._address(path, None), headers=self._headers("GET", headers)
        )
        told = {"id": ""}
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            for line in answer:
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                if name and not line.startswith(b":"):
                    told[name] = value
                elif "data" in told:
                    yield told["id"], told.pop("event", ""), json.loads(told.pop("data"))

    def _address(self, path: str, query: Mapping[str, Any] | None) -> str:
        given = {k: _plain(v) for k, v in (query or {}).items() if v is not OMIT and v is not None}
        asked = urllib.parse.urlencode(given, doseq=True)
        return f"{self.base_url}{path}{'?' * bool(asked)}{asked}"

    def _headers(self, method: str, given: Mapping[str, str]) -> dict[str, str]:
        sent = {"Accept": "application/json"}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.tenant:
            sent["X-Tenant"] = self.tenant
        if method != "GET":
            sent["Idempotency-Key"] = str(uuid.uuid4())
        return {**sent, **given}

    def _read(self, answer: Any) -> Any:
        content = answer.read()
        if "json" not in answer.headers.get("content-type", ""):
            return content
        told = json.loads(content)
        if isinstance(told, dict) and isinstance(told.get("position"), int):
            self.position = told["position"]
        return told

    @staticmethod
    def _later(error: urllib.error.HTTPError) -> float | None:
        """After how many seconds to repeat; None: it would be the same again."""
        wait = error.headers.get("retry-after", "")
        return min(float(wait), WAIT_MAX_S) if wait.isdecimal() else None


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _problem(error: urllib.error.HTTPError) -> Problem:
    try:
        told = cast("Mapping[str, Any]", json.loads(error.read()))
    except ValueError:
        told = {}
    return Problem(error.code, told)


def _part(value: object) -> str:
    """A value as part of a path."""
    return urllib.parse.quote(str(value), safe="")
