"""The answers "no" of the API: RFC 9457 problems, each code with its status and meaning."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.answers import Json
from domain.ports import ConcurrentAppend, StoreUnavailable
from domain.refusals import Refused
from projections.reads import Away

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
        Kind("precondition_failed", 412, "Changed since", "Its ETag is another; look at it again."),
        Kind("dns_silent", 503, "DNS is silent", "No name server answered; try again soon."),
        Kind("login_failed", 401, "Log-in failed", "Address, password or code is wrong."),
        Kind("totp_required", 401, "Code needed", "Ask again with a code, or a recovery code."),
        Kind("csrf", 403, "Another site asked", "Cookies count only for this site's own pages."),
        Kind("email_unverified", 403, "Address not verified", "Follow the link mailed to you."),
        Kind("too_many_attempts", 429, "Too many attempts", "Wait as long as Retry-After says."),
        Kind("busy", 503, "Busy", "Too many passwords are being checked; try again soon."),
        Kind("refused", 400, "Refused", "The request cannot be served as it is."),
    )
}
_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 401: "unauthorized"}


class Problem(Exception):  # noqa: N818 - an answer, not an error
    """Raised anywhere below a route; becomes the answer of this kind."""

    def __init__(self, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.kind = KINDS[code]
        self.detail = detail
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
        StoreUnavailable: _away,
        RequestValidationError: _invalid,
        HTTPException: _http,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _problem(request: Request, error: Problem) -> Json:
    return _answer(request, error.kind, error.detail, **error.extra)


async def _refused(request: Request, error: Refused) -> Json:
    """The domain's "no"; what stands before a colon in its words is the field."""
    kind = KINDS.get(error.code, KINDS["refused"])
    answer = _answer(request, kind, str(error))
    if error.wait_s:
        answer.headers["retry-after"] = str(error.wait_s)
    return answer


async def _concurrent(request: Request, error: ConcurrentAppend) -> Json:
    return _answer(request, KINDS["conflict"], str(error))


async def _away(request: Request, _: Away | StoreUnavailable) -> Json:
    kind = KINDS["unavailable"]
    answer = _answer(request, kind, "the database did not answer in time")
    answer.headers["retry-after"] = str(RETRY_AFTER_S)
    return answer


async def _invalid(request: Request, error: RequestValidationError) -> Json:
    errors = [
        {"in": str(found["loc"][0]), "name": str(found["loc"][-1]), "detail": found["msg"]}
        for found in error.errors()
    ]
    return _answer(request, KINDS["invalid"], "a parameter cannot be accepted", errors=errors)


async def _http(request: Request, error: HTTPException) -> Json:
    kind = KINDS[_BY_STATUS.get(error.status_code, "refused")]
    return _answer(request, kind, kind.meaning)


def _answer(request: Request, kind: Kind, detail: str, **extra: Any) -> Json:
    body = {
        "type": f"/docs#problem-{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": request.url.path,
        "code": kind.code,
        "request_id": request.scope.get("request_id", ""),
    }
    answer = Json(body | extra, status_code=kind.status, media_type=MEDIA_TYPE)
    if kind.status == KINDS["unauthorized"].status:
        answer.headers["www-authenticate"] = "Bearer"
    return answer
