"""The OpenAPI document says everything of every operation."""

from __future__ import annotations

from typing import Any

import pytest

from api.described import OPEN, operations
from api.main import create_app
from api.problems import KINDS, MEDIA_TYPE

DESCRIBED = create_app(None).openapi()
OPERATIONS = list(operations(DESCRIBED))


def name(operation: Any) -> str:
    return f"{operation[1]} {operation[0]}" if isinstance(operation, tuple) else ""


@pytest.mark.parametrize("operation", OPERATIONS, ids=name)
def test_an_operation_is_described_as_a_whole(operation: tuple[str, str, dict[str, Any]]) -> None:
    """Words, parameters, who may ask, an example of what comes back, and what may go wrong."""
    path, _, told = operation
    answers = {int(status): answer for status, answer in told["responses"].items()}
    good = [answer for status, answer in answers.items() if status < 400]
    bad = [answer for status, answer in answers.items() if status >= 400]

    assert told["operationId"]
    assert told["summary"]
    assert told["description"]
    assert told["tags"]
    assert all(parameter["description"] for parameter in told.get("parameters", ()))
    assert path.startswith(OPEN) or told["security"]
    assert good
    assert all(_has_example(answer) for answer in good)
    assert {404, 422, 429, 500, 503} <= answers.keys()
    assert all(MEDIA_TYPE in answer["content"] for answer in bad)


def _has_example(answer: dict[str, Any]) -> bool:
    """Files and streams have none: they are no JSON."""
    content = answer.get("content", {})
    return "application/json" not in content or "example" in content["application/json"]


def test_every_problem_has_a_status_a_title_and_a_cure() -> None:
    for code, kind in KINDS.items():
        assert kind.code == code
        assert 400 <= kind.status < 600
        assert kind.title
        assert kind.meaning.endswith(".")
