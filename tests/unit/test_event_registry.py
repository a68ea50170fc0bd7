"""The registry and what derives from it: an event is declared once and keeps its name for ever."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import jsonschema
import orjson
import pytest

from adapters import codec, kafka_log
from domain.event import (
    REGISTRY,
    DeclarationError,
    Event,
    EventType,
    Meta,
    Privacy,
    Topic,
    event_type,
    fields_of,
)
from domain.tenant import TenantCreated, TenantSuspended
from ops import catalog, event_examples

TYPES = sorted(REGISTRY.values(), key=lambda declared: declared.name)
EACH_TYPE = pytest.mark.parametrize("declared", TYPES, ids=lambda declared: declared.name)
GOLDENS = sorted((catalog.ROOT / catalog.GOLDEN).glob("*.json"))
META = Meta(id="evt_1", time=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), tenant_id="ten_1")


def test_the_topics_file_declares_exactly_the_topics() -> None:
    declared = {name for name in kafka_log.declared_topics() if not name.endswith(".dlq")}

    assert declared == {topic.value for topic in Topic}


def test_no_generated_file_is_stale() -> None:
    assert catalog.problems() == []


@EACH_TYPE
def test_its_example_fits_its_schema(declared: EventType) -> None:
    value = orjson.loads(codec.encode(event_examples.example(declared)))

    jsonschema.validate(value, catalog.schema_of(declared))


@EACH_TYPE
def test_it_survives_the_wire(declared: EventType) -> None:
    event = event_examples.example(declared)
    headers = dict(codec.headers(event, META, subject="what", pos=7))
    name, version = headers["ce_type"].decode(), int(headers["v"])

    assert codec.decode(name, version, codec.encode(event)) == event
    assert codec.meta_of(headers) == META


@EACH_TYPE
def test_i10_no_field_is_personal(declared: EventType) -> None:
    assert {field.privacy for field in fields_of(declared.cls)} <= {
        Privacy.PLAIN,
        Privacy.PSEUDONYM,
    }
    named = {field.name for field in fields_of(declared.cls)}
    assert not named & {"email", "recipient", "name", "first_name", "last_name", "text", "subject"}


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.name)
def test_i10_no_golden_holds_a_mail_address(path: Path) -> None:
    """One golden of each type and version stands for what the log carries."""
    assert not re.search(rb"[^\s\"]+@[^\s\"]+", path.read_bytes())


def test_headers_are_cloudevents_in_binary_mode() -> None:
    event = TenantSuspended(tenant_id="ten_1", reason="unpaid")
    told = Meta(
        id="evt_1",
        time=META.time,
        tenant_id="ten_1",
        actor="operator",
        causation="cause",
        correlation="story",
    )

    assert dict(codec.headers(event, told, subject="tenant-ten_1", pos=7)) == {
        "ce_specversion": b"1.0",
        "ce_id": b"evt_1",
        "ce_type": b"TenantSuspended",
        "ce_source": b"/penguinmails",
        "ce_time": b"2026-01-02T03:04:05.000006Z",
        "ce_subject": b"tenant-ten_1",
        "content-type": b"application/json",
        "v": b"1",
        "tenant": b"ten_1",
        "actor": b"operator",
        "causation": b"cause",
        "correlation": b"story",
        "pos": b"7",
    }


def spoil_nothing(_: Path) -> None:
    """All is as it must be."""


def edit_the_page(root: Path) -> None:
    (root / catalog.DOCS).write_text("# Events\n")


def lose_a_schema(root: Path) -> None:
    (root / catalog.CATALOG / "TenantCreated.v1.json").unlink()


def leave_a_schema_behind(root: Path) -> None:
    (root / catalog.CATALOG / "Gone.v1.json").write_text("{}")


def lose_a_golden(root: Path) -> None:
    (root / catalog.GOLDEN / "TenantCreated.v1.json").unlink()


def edit_a_golden(root: Path) -> None:
    (root / catalog.GOLDEN / "TenantCreated.v1.json").write_text('{"tenant": "ten_1"}')


def space_a_golden(root: Path) -> None:
    (root / catalog.GOLDEN / "TenantCreated.v1.json").write_text('{"tenant_id": "ten_1"}')


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (spoil_nothing, []),
        (edit_the_page, ["docs/events.md: stale"]),
        (lose_a_schema, ["kafka/catalog/TenantCreated.v1.json: stale"]),
        (leave_a_schema_behind, ["kafka/catalog/Gone.v1.json: belongs to no event type"]),
        (lose_a_golden, ["tests/golden/TenantCreated.v1.json: missing"]),
        (edit_a_golden, ["tests/golden/TenantCreated.v1.json: no longer readable"]),
        (space_a_golden, ["tests/golden/TenantCreated.v1.json: encodes to other bytes"]),
    ],
)
def test_the_check_names_what_is_wrong(
    tmp_path: Path, spoil: Callable[[Path], None], named: list[str]
) -> None:
    for folder in (catalog.CATALOG, catalog.GOLDEN, catalog.DOCS.parent):
        shutil.copytree(catalog.ROOT / folder, tmp_path / folder)
    spoil(tmp_path)

    found = catalog.problems(tmp_path)
    assert len(found) == len(named)
    assert all(map(str.startswith, found, named))


def test_writing_again_changes_nothing_and_never_a_golden(tmp_path: Path) -> None:
    assert catalog.write(tmp_path)
    golden = tmp_path / catalog.GOLDEN / "TenantCreated.v1.json"
    golden.write_text("kept")

    assert catalog.write(tmp_path) == []
    assert golden.read_text() == "kept"


# ---- versions, on a type of this test alone


@contextmanager
def registered(**declaration: Any) -> Iterator[Any]:
    """A type in the registry for as long as the context lasts."""
    try:
        yield event_type("Weighed", topic=Topic.DECISIONS, key="tenant_id", **declaration)
    finally:
        REGISTRY.pop("Weighed", None)


def in_grams(data: dict[str, Any]) -> dict[str, Any]:
    return {"tenant_id": data["tenant_id"], "weight_g": data["weight_kg"] * 1000}


def with_scale(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"scale": "unknown"}


def test_old_versions_are_read_through_their_upcasters() -> None:
    with registered(version=3, upcasters={1: in_grams, 2: with_scale}) as declare:

        class Weighed(Event):
            """Something was put on a scale."""

            tenant_id: str
            weight_g: int
            scale: str

        wanted = declare(Weighed)(tenant_id="t", weight_g=2000, scale="unknown")
        assert codec.decode("Weighed", 1, b'{"tenant_id":"t","weight_kg":2}') == wanted
        assert codec.decode("Weighed", 2, b'{"tenant_id":"t","weight_g":2000}') == wanted
        assert codec.decode("Weighed", 3, codec.encode(wanted)) == wanted


@pytest.mark.parametrize(
    ("version", "value"),
    [
        (4, b"{}"),
        (0, b"{}"),
        (1, b"not json"),
        (1, b"[]"),
        (1, b'{"tenant_id":1,"reason":""}'),
        (1, b'{"tenant_id":"t"}'),
        (1, b'{"tenant_id":"t","reason":"r","more":1}'),
    ],
)
def test_what_no_reader_understands_is_undecodable(version: int, value: bytes) -> None:
    with pytest.raises(codec.Undecodable, match="TenantSuspended"):
        codec.decode("TenantSuspended", version, value)


def test_a_gap_in_the_upcasters_is_refused() -> None:
    with registered(version=3, upcasters={1: in_grams}) as declare:

        class Weighed(Event):
            """Something was put on a scale."""

            tenant_id: str

        with pytest.raises(DeclarationError, match="upcaster"):
            declare(Weighed)


def test_a_name_is_declared_once() -> None:
    with pytest.raises(DeclarationError, match="TenantCreated is declared twice"):

        @event_type("TenantCreated", topic=Topic.DECISIONS, key="tenant_id")
        class Another(Event):
            """Something else under a name that is taken."""

            tenant_id: str

    assert REGISTRY["TenantCreated"].cls is TenantCreated


def test_an_event_says_what_it_means() -> None:
    with registered() as declare:

        class Weighed(Event):
            tenant_id: str

        Weighed.__doc__ = None
        with pytest.raises(DeclarationError, match="docstring"):
            declare(Weighed)


def test_a_key_is_a_field() -> None:
    with registered() as declare:

        class Weighed(Event):
            """Something was put on a scale."""

            other: str

        with pytest.raises(DeclarationError, match="key"):
            declare(Weighed)


def test_i10_a_personal_field_is_refused() -> None:
    with registered() as declare:

        class Weighed(Event):
            """Somebody was put on a scale."""

            tenant_id: str
            who: Annotated[str, Privacy.PERSONAL]

        with pytest.raises(DeclarationError, match="personal"):
            declare(Weighed)
