"""The answers "no" of the API: RFC 9457 problems, each code with its status and meaning."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from adapters.event_store import LogAway
from adapters.sealing import Unopened
from api.answers import Json
from domain.ports import ConcurrentAppend, StoreUnavailable
from domain.refusals import Refused
from projections.reads import Away

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2


@dataclass(frozen=True)
class Kind:
    """A class of problems. `code` never changes; its page is /docs#problem-CODE."""

    code: str
    status: int
    title: str
    meaning: str


KINDS = {
    kind.code: kind
    for kind in (
        Kind("not_found", 404, "Not found", "No such thing, or it belongs to another tenant."),
        Kind("unauthorized", 401, "Not authorized", "The bearer token is missing or wrong."),
        Kind("tenant_missing", 400, "No tenant named", "Send X-Tenant or ?tenant= with its id."),
        Kind("invalid", 422, "Invalid value", "A parameter cannot be accepted; see `errors`."),
        Kind("invalid_cursor", 400, "Invalid cursor", "Use `next_cursor` as it was given, there."),
        Kind("unavailable", 503, "Not available now", "The database is away; try again soon."),
        Kind("method_not_allowed", 405, "Method not allowed", "This path has no such method."),
        Kind("forbidden", 403, "Not permitted", "The caller's role or scopes do not include this."),
        Kind("wrong_state", 409, "Wrong state", "The thing is in a state in which this can't be."),
        Kind("taken", 409, "Taken", "A value that must be unique is used already."),
        Kind("conflict", 409, "Changed meanwhile", "Others changed it at once; ask again."),
        Kind("precondition_required", 428, "If-Match is missing", "Send the ETag that you read."),
        Kind("precondition_failed", 412, "Changed since", "Its ETag is another; look at it again."),
        Kind("dns_silent", 503, "DNS is silent", "No name server answered; try again soon."),
        Kind("login_failed", 401, "Log-in failed", "Address, password or code is wrong."),
        Kind("totp_required", 401, "Code needed", "Ask again with a code, or a recovery code."),
        Kind("csrf", 403, "Another site asked", "Cookies count only for this site's own pages."),
        Kind("email_unverified", 403, "Address not verified", "Follow the link mailed to you."),
        Kind("proof_required", 403, "Password needed", "POST /v1/me/proof, then ask again."),
        Kind("too_many_attempts", 429, "Too many attempts", "Wait as long as Retry-After says."),
        Kind("busy", 503, "Busy", "Too many passwords are being checked; try again soon."),
        Kind("launch_blocked", 409, "Launch blocked", "`errors` lists each reason with its cure."),
        Kind("not_json", 400, "Not JSON", "The body is no JSON, or one nested too deeply."),
        Kind("too_large", 413, "Too large", "The body is larger than this operation takes."),
        Kind(
            "unsupported_media", 415, "Unsupported media", "Send the media type that is declared."
        ),
        Kind("idempotency_key_reused", 409, "Key used already", "Another request had this key."),
        Kind("in_progress", 409, "Under way", "The first request with this key still runs; wait."),
        Kind("not_yet", 409, "Not yet", "What you ask for is not read that far yet; ask again."),
        Kind("rate_limited", 429, "Too many requests", "Wait as long as Retry-After says."),
        Kind("overloaded", 503, "Overloaded", "Too much is asked at once; ask again soon."),
        Kind("timed_out", 503, "Took too long", "It may still happen: repeat with the same key."),
        Kind("internal", 500, "Our fault", "Tell us the request_id; our log has it."),
        Kind("too_many_streams", 429, "Too many streams", "Close one before opening another."),
        Kind("refused", 400, "Refused", "The request cannot be served as it is."),
    )
}
_BY_STATUS = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media",
    422: "invalid",
    429: "rate_limited",
    503: "unavailable",
}
#: The domain's words `field: what is wrong` name a field before the colon.
_FIELD = re.compile(r"([a-z][a-z0-9_]*(?:[.\[][a-z0-9_.\[\]]+)?): ")
_CURES = {
    "extra_forbidden": "leave it out: there is no such field",
    "missing": "give it",
    "json_invalid": "send JSON",
}


class Problem(Exception):  # noqa: N818 - an answer, not an error
    """Raised anywhere below a route; becomes the answer of this kind."""

    def __init__(self, code: str, detail: str, *, wait_s: int = 0, **extra: Any) -> None:
        super().__init__(detail)
        self.kind = KINDS[code]
        self.detail = detail
        self.wait_s = wait_s  # becomes Retry-After; 0: asking again makes no sense
        self.extra = extra


def not_found(what: str) -> Problem:
    """Says the same of what is not there and of what is another tenant's (I11)."""
    return Problem("not_found", f"there is no such {what}")


def install(app: FastAPI) -> None:
    """Turn every way of saying no into a problem."""
    handlers: dict[type[Exception], Callable[[Request, Any], Awaitable[Json]]] = {
        Problem: _problem,
        Away: _away,
        Refused: _refused,
        ConcurrentAppend: _concurrent,
        LogAway: _log_away,
        StoreUnavailable: _away,
        psycopg.OperationalError: _away,  # a desk's own transaction met it
        psycopg.InterfaceError: _away,
        Unopened: _unopened,
        RequestValidationError: _invalid,
        HTTPException: _http,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def answer(scope: Scope, error: Problem) -> Json:
    """The problem as an answer to the request of this scope."""
    kind = error.kind
    body = {
        "type": f"/docs#problem-{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": error.detail,
        "instance": scope["path"],
        "code": kind.code,
        "request_id": scope.get("request_id", ""),
    }
    found = Json(body | error.extra, status_code=kind.status, media_type=MEDIA_TYPE)
    if error.wait_s:
        found.headers["retry-after"] = str(error.wait_s)
    if kind.status == KINDS["unauthorized"].status:
        found.headers["www-authenticate"] = "Bearer"
    return found


def field_error(place: Sequence[int | str], detail: str, cure: str = "") -> dict[str, Any]:
    """One of `errors`: where the value stands, as a name and (in a body) as a JSON pointer."""
    where, *path = place
    found = {"in": str(where), "name": str(path[-1]) if path else "", "detail": detail}
    if where == "body":
        found["pointer"] = "".join(f"/{_escaped(part)}" for part in path)
    return found | ({"cure": cure} if cure else {})


def _escaped(part: int | str) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")  # RFC 6901 §3


async def _problem(request: Request, error: Problem) -> Json:
    return answer(request.scope, error)


async def _refused(request: Request, error: Refused) -> Json:
    """The domain's "no"; what stands before a colon in its words is the field."""
    code = error.code if error.code in KINDS else "refused"
    words = str(error)
    extra: dict[str, Any] = {}
    if code == "invalid" and (named := _FIELD.match(words)):
        path = [part for part in re.split(r"[.\[\]]+", named[1]) if part]
        where = "query" if request.method == "GET" else "body"
        extra["errors"] = [field_error([where, *path], words[named.end() :])]
    return answer(request.scope, Problem(code, words, wait_s=error.wait_s, **extra))


async def _concurrent(request: Request, error: ConcurrentAppend) -> Json:
    return answer(request.scope, Problem("conflict", str(error), wait_s=1))


async def _away(request: Request, _: Exception) -> Json:
    told = "the database did not answer in time"
    return answer(request.scope, Problem("unavailable", told, wait_s=RETRY_AFTER_S))


async def _log_away(request: Request, _: Exception) -> Json:
    told = "the log takes nothing now, so that a command would have no effect; nothing was kept"
    return answer(request.scope, Problem("unavailable", told, wait_s=RETRY_AFTER_S))


async def _unopened(request: Request, error: Unopened) -> Json:
    """Keys are the operator's matter: the log says what is wrong, the caller learns no more."""
    log.error("secret_not_opened", why=str(error))
    return answer(request.scope, Problem("unavailable", "secrets cannot be kept or read here now"))


async def _invalid(request: Request, error: RequestValidationError) -> Json:
    errors = [
        field_error(found["loc"], found["msg"], _CURES.get(found["type"], ""))
        for found in error.errors()
    ]
    first = errors[0]
    told = f"{first['name']}: {first['detail']}" if first["name"] else first["detail"]
    return answer(request.scope, Problem("invalid", told, errors=errors))


async def _http(request: Request, error: HTTPException) -> Json:
    if isinstance(error.__cause__, Problem):  # met while the framework read the body
        return answer(request.scope, error.__cause__)
    kind = KINDS[_BY_STATUS.get(error.status_code, "refused")]
    found = answer(request.scope, Problem(kind.code, kind.meaning))
    for name, value in (error.headers or {}).items():
        found.headers.setdefault(name, value)
    return found
