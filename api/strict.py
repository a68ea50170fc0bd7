"""Requests as they must be: known query parameters, bounded JSON bodies, no NUL anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import parse_qsl

import orjson
from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, answer, field_error

MIB = 1 << 20
JSON_BYTES_MAX = MIB
DEPTH_MAX = 64
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


@dataclass(frozen=True)
class Takes:
    """What bodies a path takes: by media type, up to so many bytes, counted as they come in."""

    path: re.Pattern[str]
    media: frozenset[str]
    bytes_max: int


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
JSON = Takes(re.compile(""), frozenset({"application/json"}), JSON_BYTES_MAX)
ANY: frozenset[str] = frozenset()  # its route judges what it is
#: Paths that take other bodies than JSON of 1 MiB. They read and judge what they take themselves.
UPLOADS = (
    Takes(re.compile(r"/v1/imports"), ANY, 101 * MIB),  # a file of 100 MiB in a form
    Takes(re.compile(r"/v1/suppressions/import"), frozenset({"text/csv"}), 8 * MIB),
)
#: Their texts may hold anything: passwords do, and are hashed.
ANY_TEXT = re.compile(r"/v1/(auth|me)(/.*)?")


def takes(path: str) -> Takes:
    """What bodies go to this path."""
    return next((found for found in UPLOADS if found.path.fullmatch(path)), JSON)


async def declared_only(request: Request) -> None:
    """A dependency of every route. Raises Problem for a query parameter that it does not declare.

    Or one given twice where one is meant: which of the two would count?
    """
    route = request.scope["route"]
    known = _declared(route)
    seen: set[str] = set()
    errors = []
    for name, _ in request.query_params.multi_items():
        if name not in known:
            cure = f"leave it out; there are: {', '.join(sorted(known)) or 'none'}"
            errors.append(field_error(["query", name], "there is no such parameter", cure))
        elif name in seen and not known[name]:
            errors.append(field_error(["query", name], "it is given twice", "give it once"))
        seen.add(name)
    if errors:
        told = f"{errors[0]['name']}: {errors[0]['detail']}"
        raise Problem("invalid", told, errors=errors)


def _declared(route: APIRoute) -> dict[str, bool]:
    """Query parameters of a route by name, and whether each may be given several times."""
    if not hasattr(route, "pm_declared"):
        setattr(route, "pm_declared", dict(_parameters(route.dependant)))  # noqa: B010 - not its own
    found: dict[str, bool] = vars(route)["pm_declared"]
    return found


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):  # each field is a parameter
            for name, inner_field in kind.model_fields.items():
                yield inner_field.alias or name, "list" in str(inner_field.annotation).lower()
        else:
            yield field.alias, "list" in str(kind).lower()
    for inner in dependant.dependencies:
        yield from _parameters(inner)


class StrictBodies:
    """Refuses bodies that are too large, of another media type, no JSON, too deep, or with NUL.

    A JSON body is read as a whole, so that `body_digest` of the scope says which one it was.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            _check_text(scope)
            receive = await _checked(scope, receive)
            await self._app(scope, receive, send)
        except Problem as problem:  # of the body, while it comes in
            await answer(scope, problem)(scope, receive, send)


def _check_text(scope: Scope) -> None:
    """No NUL in path, query or headers: Postgres has no place for it."""
    query = scope.get("query_string", b"")
    if "\x00" in scope["path"]:
        raise _nul("path", "")
    if b"%00" in query:
        name = next((n for n, v in parse_qsl(query.decode("latin-1")) if "\x00" in n + v), "")
        raise _nul("query", name.replace("\x00", ""))
    for name, value in scope["headers"]:
        if b"\x00" in value:
            raise _nul("header", name.decode("latin-1"))


def _nul(where: str, name: str) -> Problem:
    error = field_error([where, name], "it holds a NUL character", "leave NUL out")
    return Problem("invalid", f"{name or where}: a NUL character is not accepted", errors=[error])


async def _checked(scope: Scope, receive: Receive) -> Receive:
    """What gives the body to the routes; of JSON only after all of it was looked at."""
    if scope["method"] not in WRITES:
        return receive
    wanted = takes(scope["path"])
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > wanted.bytes_max:
        raise _too_large(wanted)
    media = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    empty = length == b"0" and b"transfer-encoding" not in headers
    if not empty and wanted.media and media not in wanted.media:
        told = f"the body is {media or 'of no declared type'}"
        cure = f"send {' or '.join(sorted(wanted.media))}"
        error = field_error(["header", "content-type"], told, cure)
        raise Problem("unsupported_media", f"{told}; {cure}", errors=[error])
    if wanted is JSON:
        return _given(scope, receive, await _whole(receive, wanted))
    scope["body_digest"] = b"length:" + length  # a file is not kept to be compared
    return _counted(receive, wanted)


async def _whole(receive: Receive, wanted: Takes) -> bytes:
    """The body, counted while it comes in."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > wanted.bytes_max:
            raise _too_large(wanted)
        if not message.get("more_body", False):
            return b"".join(parts)


def _given(scope: Scope, receive: Receive, body: bytes) -> Receive:
    """The body once, as one message; after it whatever the server tells."""
    _check_json(body, scope["path"])
    scope["body_digest"] = blake2b(body, digest_size=16).digest()
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


def _counted(receive: Receive, wanted: Takes) -> Receive:
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > wanted.bytes_max:
            raise _too_large(wanted)
        return message

    return counted


def _check_json(body: bytes, path: str) -> None:
    if not body:
        return
    if _depth(body) > DEPTH_MAX:
        raise Problem("not_json", f"the body is nested more than {DEPTH_MAX} deep; flatten it")
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem("not_json", f"the body is no JSON: {error}") from error
    if _NUL.search(body) and not ANY_TEXT.fullmatch(path):
        raise _nul("body", "")


def _depth(body: bytes) -> int:
    """How deep it is nested at most; brackets within texts do not count."""
    if body.count(b"[") + body.count(b"{") <= DEPTH_MAX:
        return 0
    return max(_levels(_TEXT.sub(b"", body)), default=0)


def _levels(body: bytes) -> Iterator[int]:
    level = 0
    for found in _BRACKET.finditer(body):
        level += 1 if found[0] in b"[{" else -1
        yield level


def _too_large(wanted: Takes) -> Problem:
    told = f"the body is larger than {wanted.bytes_max} bytes, the most that this takes"
    return Problem("too_large", told)
