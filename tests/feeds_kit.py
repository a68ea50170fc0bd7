"""Stand-ins for providers' HTTP interfaces, on sockets; each holds its callers to the contract."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

SCOPES = {
    "https://www.googleapis.com/auth/postmaster",
    "https://www.googleapis.com/auth/postmaster.traffic.readonly",
}
EMAIL = "feed@project.iam.gserviceaccount.example"


@dataclass
class Said:
    """A request as it came, and the answer to give."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    status: int
    body: bytes = b""
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, held: Any, status: int = 200) -> Reply:
        return cls(status, json.dumps(held).encode())


class Provider(Protocol):
    def answer(self, said: Said) -> Reply: ...


@contextmanager
def served(provider: Provider) -> Iterator[str]:
    """The provider at http://127.0.0.1:PORT until the end."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing."""

        def do_GET(self) -> None:
            self._do(b"")

        def do_POST(self) -> None:
            self._do(self.rfile.read(int(self.headers["Content-Length"])))

        def _do(self, body: bytes) -> None:
            parts = urlsplit(self.path)
            query = {name: found[0] for name, found in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = provider.answer(Said(self.command, parts.path, query, headers, body))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def new_key() -> tuple[rsa.RSAPrivateKey, str]:
    """A key, and as the PEM that Google hands out."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key, pem.decode()


@dataclass
class Google:
    """Token endpoint (RFC 7523) and Postmaster Tools v2, as documented.

    `rates`: domain → day → share. Pages hold `page` entries whatever is asked for, as the server
    may return fewer. `limited`: so many calls are answered with 429 first.
    """

    key: rsa.RSAPrivateKey
    rates: dict[str, dict[date, float]]
    hidden: set[str] = field(default_factory=set)  # registered, and no statistics for this account
    unverified: set[str] = field(default_factory=set)
    page: int = 2
    now: float = 1_800_000_000.0
    limited: int = 0
    revoked: bool = False
    tokens: dict[str, float] = field(default_factory=dict)  # → when they expire
    calls: list[str] = field(default_factory=list)
    lifetime_s: ClassVar[int] = 3600
    page_max: ClassVar[int] = 200

    def answer(self, said: Said) -> Reply:
        self.calls.append(f"{said.method} {said.path}")
        if said.path == "/token":
            return self._token(said)
        token = said.headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0.0) <= self.now:
            return _error(401, "UNAUTHENTICATED")
        if self.limited:
            self.limited -= 1
            return Reply(429, b"{}", headers={"Retry-After": "120"})
        if (said.method, said.path) == ("GET", "/v2/domains"):
            return self._domains(said)
        parent, _, verb = said.path.removeprefix("/v2/domains/").rpartition("/")
        if said.method == "POST" and verb == "domainStats:query":
            return self._stats(said, parent)
        return _error(404, "NOT_FOUND")

    def _token(self, said: Said) -> Reply:
        form = {name: found[0] for name, found in parse_qs(said.body.decode()).items()}
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return Reply.of({"error": "unsupported_grant_type"}, 400)
        head, claims, signature = form["assertion"].split(".")
        self.key.public_key().verify(
            _decoded(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256()
        )
        told = json.loads(_decoded(claims))
        sound = (
            json.loads(_decoded(head))["alg"] == "RS256"
            and told["iss"] == EMAIL
            and set(told["scope"].split()) <= SCOPES
            and told["aud"].endswith("/token")
            and abs(told["iat"] - self.now) < 300
            and 0 < told["exp"] - told["iat"] <= 3600
        )
        if self.revoked or not sound:
            return Reply.of({"error": "invalid_grant", "error_description": "private"}, 400)
        token = f"token-{len(self.tokens)}"
        self.tokens[token] = self.now + self.lifetime_s
        return Reply.of({"access_token": token, "expires_in": self.lifetime_s})

    def _domains(self, said: Said) -> Reply:
        known = sorted({*self.rates, *self.hidden, *self.unverified})
        begin = int(said.query.get("pageToken", "0"))
        told = [
            {
                "name": f"domains/{name}",
                "verificationState": "UNVERIFIED" if name in self.unverified else "VERIFIED",
            }
            for name in known[begin : begin + self.page]
        ]
        more = begin + self.page < len(known)
        return Reply.of({"domains": told} | self._next(begin, more=more))

    def _stats(self, said: Said, domain: str) -> Reply:
        asked = json.loads(said.body)
        known = {
            "metricDefinitions",
            "timeQuery",
            "aggregationGranularity",
            "pageSize",
            "pageToken",
        }
        if said.headers.get("content-type") != "application/json" or set(asked) - known:
            return _error(400, "INVALID_ARGUMENT")
        if not 0 < asked.get("pageSize", 10) <= self.page_max:
            return _error(400, "INVALID_ARGUMENT")
        if domain in self.hidden or domain not in self.rates:
            return _error(403, "PERMISSION_DENIED")
        ((metric,), (span,)) = (
            asked["metricDefinitions"],
            asked["timeQuery"]["dateRanges"]["dateRanges"],
        )
        assert metric["baseMetric"] == {"standardMetric": "SPAM_RATE"}
        since, until = (date(**span[end]) for end in ("start", "end"))
        days = sorted(day for day in self.rates[domain] if since <= day <= until)
        begin = int(asked.get("pageToken", "0"))
        stats = [
            {
                "name": f"domains/{domain}/domainStats/{day:%Y%m%d}",
                "metric": metric["name"],
                "date": {"year": day.year, "month": day.month, "day": day.day},
                "value": {"doubleValue": self.rates[domain][day]},
            }
            for day in days[begin : begin + self.page]
        ]
        return Reply.of(
            {"domainStats": stats} | self._next(begin, more=begin + self.page < len(days))
        )

    def _next(self, begin: int, *, more: bool) -> dict[str, str]:
        return {"nextPageToken": str(begin + self.page)} if more else {}


def _error(status: int, name: str) -> Reply:
    told = {"code": status, "status": name, "message": "words that nobody relies on"}
    return Reply.of({"error": told}, status)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@dataclass
class Snds:
    """SNDS's automated data access: a CSV for a key and a day in MMDDYY, by GET."""

    key: str
    days: dict[date, list[str]]  # lines
    expired: bool = False
    page: bytes = b""  # answered instead of data
    moved: bool = False  # to another place of the same server
    limited: int = 0
    asked: list[Said] = field(default_factory=list)

    def answer(self, said: Said) -> Reply:
        self.asked.append(said)
        if (
            said.method != "GET"
            or said.path != "/snds/data.aspx"
            or "authorization" in said.headers
        ):
            return Reply(405, b"", "text/html")
        if self.limited:
            self.limited -= 1
            return Reply(503, b"", "text/html")
        if self.moved:
            self.moved = False
            return Reply(302, headers={"Location": f"{said.path}?key={self.key}&date=033126"})
        if said.query.get("key") != self.key:
            return Reply(400, said.query.get("key", "").encode(), "text/html")
        if self.page:
            return Reply(200, self.page, "text/html")
        told = said.query["date"]
        day = date(2000 + int(told[4:]), int(told[:2]), int(told[2:4]))
        if self.expired or day not in self.days:
            return Reply(404, b"", "text/html")
        return Reply(200, "\r\n".join(self.days[day]).encode(), "text/csv")


def snds_line(ip: str, *, recipients: int, verdict: str, rate: str, traps: int = 0) -> str:
    """A line as the FAQ's table has it, with the columns about people that must be dropped."""
    begin, end = "3/30/2026 9:00 PM", "3/31/2026 8:00 PM"
    counts = f"{recipients + 9},{recipients + 3},{recipients}"
    people = "mail.example,jane.doe@shop.example,"
    return f"{ip},{begin},{end},{counts},{verdict},{rate},{begin},{end},{traps},{people}"
