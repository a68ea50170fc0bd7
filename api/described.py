"""The OpenAPI description, completed by what holds for every operation: problems, keys, words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from api.problems import KINDS, MEDIA_TYPE

#: What any request may meet, by status: the frame refuses it, or the database is away.
ANYWHERE = ("refused", "not_found", "invalid", "rate_limited", "internal", "unavailable")
WITH_CALLER = ("unauthorized", "forbidden", "wrong_state")
WITH_BODY = ("too_large", "unsupported_media")
OPEN = ("/health", "/v1/auth/")  # asked without a key
METHODS = ("get", "put", "post", "delete", "patch")
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "its page in the catalogue"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong and what helps"},
        "instance": {"type": "string", "description": "the path that was asked"},
        "code": {"type": "string", "description": "never changes; see the catalogue"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def install(app: FastAPI) -> None:
    """Complete what `app.openapi()` gives, once."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = completed(plain())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def completed(described: dict[str, Any]) -> dict[str, Any]:
    """The description with problems, security and the words that operations lack."""
    parts = described.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = PROBLEM
    parts["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "an API key (pm_live_…), a session's or the operator's token",
        }
    }
    for path, method, operation in operations(described):
        _problems(path, method, operation)
        _files(operation)
        _words(operation)
        if not path.startswith(OPEN):
            operation["security"] = [{"bearer": []}]
        if method == "get":
            kept = [p for p in operation.get("parameters", []) if p["name"] != "idempotency-key"]
            operation["parameters"] = kept
    return described


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with its path and method."""
    for path, methods in described["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def _problems(path: str, method: str, operation: dict[str, Any]) -> None:
    """Declare what the frame answers, and say of each problem what it looks like."""
    answers = operation["responses"]
    codes = ANYWHERE + (() if path.startswith("/health") else WITH_CALLER)
    for code in codes + (WITH_BODY if method != "get" else ()):
        answers.setdefault(str(KINDS[code].status), {"description": KINDS[code].title})
    for status, answer in answers.items():
        if int(status) < 400:  # noqa: PLR2004 - all went well
            continue
        shape: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
        if path == "/health" and status == "503":
            answer["content"] = {"application/json": {}, MEDIA_TYPE: shape}
        else:
            answer["content"] = {MEDIA_TYPE: shape}
        answer["headers"] = {"Request-Id": {"schema": {"type": "string"}}}


def _files(operation: dict[str, Any]) -> None:
    """A route that answers a file does not answer JSON as well, whatever the framework thinks."""
    for answer in operation["responses"].values():
        content = answer.get("content", {})
        if len(content) > 1 and "example" not in content.get("application/json", {"example": ""}):
            del content["application/json"]


def _words(operation: dict[str, Any]) -> None:
    """What a parameter means where its route does not say so: its name does."""
    for parameter in operation.get("parameters", ()):
        if not parameter.get("description"):
            parameter["description"] = parameter["name"].replace("_", " ")
