"""Every operation of the OpenAPI document under requests made from it, on a real database.

No fault of ours (5xx), no undeclared status, no answer outside its schema.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.main import create_app, serve
from projections import models
from tests.api_kit import TOKEN, ports_of

pytestmark = [
    pytest.mark.stack,
    # schemathesis draws in a way that a newer hypothesis advises against
    pytest.mark.filterwarnings("ignore:Do not use the `random` module"),
]

EXAMPLES = 15  # of each operation: a minute for all of them
STATUSES: Counter[int] = Counter()
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
#: Streams never end; and a question about a position that is not reached waits for two seconds.
LEFT_OUT = {"/v1/live"}
PARAMETERS_LEFT_OUT = ("min_position", "pm-min-position", "PM-Min-Position")


@pytest.fixture
def url(dsn: str) -> Iterator[str]:
    """Where the API answers, in a thread of its own."""
    models.ensure_schemas(dsn)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ready, ended = threading.Event(), threading.Event()
    loop_and_stop: list[Any] = []

    async def run() -> None:
        stop = asyncio.Event()
        loop_and_stop.extend((asyncio.get_running_loop(), stop))
        async with ports_of(dsn) as ports:
            app = create_app(ports)
            app.get("/broken", tags=["control"])(_broken)
            await serve(app, "127.0.0.1", port, stop, ready.set)

    def main() -> None:
        try:
            asyncio.run(run())
        finally:
            ended.set()

    threading.Thread(target=main, daemon=True).start()
    assert ready.wait(20)
    yield f"http://127.0.0.1:{port}"
    loop, stop = loop_and_stop
    loop.call_soon_threadsafe(stop.set)
    assert ended.wait(20)


async def _broken() -> None:
    """The control: what is broken on purpose must be found."""
    raise ValueError


def test_no_operation_answers_outside_its_description(url: str) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    found: dict[str, str] = {}
    asked = 0
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        if operation.path in LEFT_OUT:
            continue
        asked += 1
        try:
            _fuzz(operation)
        except (Exception, BaseExceptionGroup) as failure:  # noqa: BLE001 - every operation is to be looked at
            found[f"{operation.method.upper()} {operation.path}"] = _said(failure)

    assert "Server error" in found.pop("GET /broken")
    assert asked > 100
    assert STATUSES[200] + STATUSES[201] > 100  # they were let in
    assert not found, "\n\n".join(f"{name}\n{said}" for name, said in found.items())


def _said(failure: BaseException) -> str:
    parts = getattr(failure, "exceptions", None) or [failure]
    return " / ".join(str(part)[:400].replace("\n", " ") for part in parts)


def _fuzz(operation: Any) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        for name in PARAMETERS_LEFT_OUT:
            for given_ in (case.query, case.headers):
                if given_:
                    given_.pop(name, None)
        headers = {"authorization": f"Bearer {TOKEN}", "x-tenant": "ten_a"}
        response = case.call(headers=headers, timeout=20)
        STATUSES[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    ask()
