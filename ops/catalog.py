"""What is generated from the event registry: the catalog of JSON Schemas, the docs, the goldens.

A golden file holds an event's bytes as its version wrote them. It is made once and never again:
that it still decodes is what keeps old history readable.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

import orjson

import domain.catalog  # noqa: F401 - fills the registry
from adapters import codec
from domain.event import REGISTRY, Event, EventType, FieldInfo, Topic, fields_of
from ops import event_examples

ROOT = Path(__file__).parent.parent
CATALOG = Path("kafka") / "catalog"
DOCS = Path("docs") / "events.md"
GOLDEN = Path("tests") / "golden"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
}


# ---- schemas


@cache  # read only; asked for often, and reading the source takes time
def schema_of(declared: EventType) -> dict[str, Any]:
    """The JSON Schema of an event's value, with units and privacy as `x-` words."""
    fields = fields_of(declared.cls)
    notes = _notes(declared.cls)
    return {
        "$schema": DIALECT,
        "$id": f"urn:penguinmails:event:{declared.name}:v{declared.version}",
        "title": declared.name,
        "description": declared.doc,
        "x-version": declared.version,
        "x-topics": list(declared.topics),
        "x-key": declared.key,
        "type": "object",
        "properties": {field.name: _property(field, notes) for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _property(field: FieldInfo, notes: dict[str, str]) -> dict[str, Any]:
    told = {
        "description": notes.get(field.name, ""),
        "x-unit": field.unit,
        "x-privacy": field.privacy.value,
    }
    return _shape(field.type) | {name: value for name, value in told.items() if value}


def _shape(hint: Any) -> dict[str, Any]:
    args = get_args(hint)
    if NoneType in args:
        inner = _shape(next(option for option in args if option is not NoneType))
        return inner | {"type": [inner["type"], "null"]}
    origin = get_origin(hint)
    if origin is list:
        return {"type": "array", "items": _shape(args[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _shape(args[1])}
    if is_typeddict(hint):
        return _structure(hint)
    return _PLAIN[hint]


def _structure(hint: Any) -> dict[str, Any]:
    notes = _notes(hint)
    marked = get_type_hints(hint, include_extras=True)
    shapes = {name: _shape(inner) for name, inner in get_type_hints(hint).items()}
    told = {name: {"description": notes[name]} if name in notes else {} for name in shapes}
    return {
        "type": "object",
        "properties": {name: shape | told[name] for name, shape in shapes.items()},
        "required": [name for name in shapes if get_origin(marked[name]) is not NotRequired],
        "additionalProperties": False,
    }


def _notes(cls: type) -> dict[str, str]:
    """The comment at the end of each field's line, which says what its name cannot."""
    source = textwrap.dedent(inspect.getsource(cls))
    lines = source.splitlines()
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            _, mark, note = lines[(node.end_lineno or node.lineno) - 1].partition("  # ")
            if mark:
                found[node.target.id] = note.strip()
    return found


# ---- the page for people


def page() -> str:
    """docs/events.md: each event type under its topics."""
    head = (
        "# Events\n\n"
        "Generated from the registry (`domain/`) by `penguin catalog --write`; do not edit.\n"
        "The value of a record is these fields as JSON; type, version, id, time, tenant, cause\n"
        "and `pos` travel in CloudEvents headers. Schemas: `kafka/catalog/`.\n"
    )
    return "\n".join([head, *_sections()])


def _sections() -> Iterator[str]:
    groups: dict[tuple[Topic, ...], list[EventType]] = {}
    for declared in REGISTRY.values():
        groups.setdefault(declared.topics, []).append(declared)
    every = tuple(Topic)
    for topics in sorted(groups, key=lambda topics: (topics == every, every.index(topics[0]))):
        named = ", ".join(f"`{topic}`" for topic in topics)
        yield f"## {'Every topic' if topics == every else named}\n"
        for declared in sorted(groups[topics], key=lambda declared: declared.name):
            yield _entry(declared)


def _entry(declared: EventType) -> str:
    schema = schema_of(declared)
    rows = [_row(name, found) for name, found in schema["properties"].items()]
    return "\n".join(
        [
            f"### {declared.name} (version {declared.version}, key `{declared.key}`)\n",
            f"{textwrap.dedent(inspect.cleandoc(declared.doc))}\n",
            "| field | type | unit | privacy | note |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _row(name: str, found: dict[str, Any]) -> str:
    cells = [
        f"`{name}`",
        _words(found),
        found.get("x-unit", ""),
        found["x-privacy"],
        found.get("description", "").replace("|", "\\|"),
    ]
    return f"| {' | '.join(cells)} |"


def _words(found: dict[str, Any]) -> str:
    kind = found["type"]
    if isinstance(kind, list):
        return " or ".join([_words(found | {"type": kind[0]}), *kind[1:]])
    if kind == "array":
        return f"list of {_words(found['items'])}"
    if "properties" in found:
        return f"object ({', '.join(f'`{name}`' for name in found['properties'])})"
    if kind == "object":
        return f"map to {_words(found['additionalProperties'])}"
    return str(found.get("format", kind))


# ---- files


def derived() -> dict[Path, bytes]:
    """Every generated file, by its path in the repository, as it must be."""
    schemas = {
        CATALOG / file_name(declared, declared.version): orjson.dumps(
            schema_of(declared), option=_PRETTY
        )
        for declared in REGISTRY.values()
    }
    return schemas | {DOCS: page().encode()}


def file_name(declared: EventType, version: int) -> str:
    """Of a schema or a golden."""
    return f"{declared.name}.v{version}.json"


def write(root: Path = ROOT) -> list[str]:
    """Bring the generated files up to date and add missing goldens; returns what was written."""
    wanted = {path: content for path, content in derived().items() if _read(root / path) != content}
    for declared in REGISTRY.values():
        path = GOLDEN / file_name(declared, declared.version)
        if not (root / path).exists():
            wanted[path] = codec.encode(event_examples.example(declared))
    for path, content in wanted.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return sorted(map(str, wanted))


def problems(root: Path = ROOT) -> list[str]:
    """What is stale, missing, left over or no longer readable; empty when all is as it must be."""
    found = [
        f"{path}: stale; run `penguin catalog --write`"
        for path, content in derived().items()
        if _read(root / path) != content
    ]
    for folder in (CATALOG, GOLDEN):
        found += _left_over(root, folder)
    for declared in REGISTRY.values():
        found += _golden_problems(root, declared)
    return sorted(found)


def _left_over(root: Path, folder: Path) -> Iterator[str]:
    known = {
        file_name(declared, version)
        for declared in REGISTRY.values()
        for version in range(1, declared.version + 1)
    }
    for path in (root / folder).glob("*.json"):
        if path.name not in known:
            yield f"{folder / path.name}: belongs to no event type; a type keeps its name for ever"


def _golden_problems(root: Path, declared: EventType) -> Iterator[str]:
    for version in range(1, declared.version + 1):
        path = GOLDEN / file_name(declared, version)
        content = _read(root / path)
        if content is None:
            yield f"{path}: missing; run `penguin catalog --write`, or bring it back from git"
            continue
        try:
            event: Event = codec.decode(declared.name, version, content)
        except codec.Undecodable as error:
            yield f"{path}: no longer readable ({error}); give the type a version and an upcaster"
            continue
        if version == declared.version and codec.encode(event) != content:
            yield f"{path}: encodes to other bytes now; give the type a version and an upcaster"


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
