"""Writes the client: a method per operation of the API's own description, typed, documented."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLIENT = Path(__file__).parents[2] / "examples" / "client" / "penguinmails.py"
TRANSPORT = Path(__file__).with_name("transport.py")
HEAD = '''"""A client of the PenguinMails API; needs nothing but Python 3.11.

Written by `penguin client --write` from the API's OpenAPI description: change it there.

    client = Client("http://127.0.0.1:8000", token="pm_live_…")
    for campaign in client.pages(client.list_campaigns, state="running"):
        print(campaign["campaign_id"], campaign["counters"]["accepted"])
"""

'''
#: Headers that the transport sends by itself.
OWN_HEADERS = frozenset({"authorization", "x-tenant", "x-staff-reason", "pm-min-position"})
#: Query parameters that stand for a header.
OWN_QUERY = frozenset({"tenant"})
TYPES = {
    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list[Any]",
    "object": "Mapping[str, Any]",
}  # fmt: skip
Described = Mapping[str, Any]


@dataclass(frozen=True)
class Argument:
    """One argument of a method. `place`: path, query, header or body; `wire`: its name there."""

    name: str
    wire: str
    place: str
    type: str
    required: bool


def written(described: Described) -> str:
    """The client's source."""
    methods = [
        _method(path, method, operation, described)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    body = "\n".join(textwrap.indent(method, "    ") for method in methods)
    title = '    """Every operation of the API, by the name that its description gives it."""\n'
    return f"{HEAD}{_transport()}\n\nclass Client(Transport):\n{title}\n{body}"


def _transport() -> str:
    """Its source, without the docstring that the client has a better one for."""
    return TRANSPORT.read_text().partition('"""\n\n')[2]


def _method(path: str, method: str, operation: Described, described: Described) -> str:
    arguments = list(_arguments(operation, described))
    signature = _signature(operation["operationId"], arguments)
    summary = operation.get("description") or operation["summary"]
    doc = textwrap.indent(f'"""{summary.strip()}\n\n{method.upper()} {path}\n"""', "    ")
    if _streams(operation):
        return f'{signature}\n{doc}\n    return self.events("{path}", last_event_id)\n'
    return f"{signature}\n{doc}\n    return self.{_call(path, method, operation, arguments)}\n"


def _streams(operation: Described) -> bool:
    """Whether its answer is a stream of events, told one by one."""
    return "text/event-stream" in operation["responses"].get("200", {}).get("content", {})


def _arguments(operation: Described, described: Described) -> Iterator[Argument]:
    for parameter in operation.get("parameters", []):
        wire, place = parameter["name"], parameter["in"]
        if wire.lower() not in (OWN_HEADERS if place == "header" else OWN_QUERY):
            kind = _type(parameter["schema"])
            yield Argument(_name(wire), wire, place, kind, parameter.get("required", False))
    if _raw(operation):
        yield Argument("data", "data", "data", "bytes", required=True)
        yield Argument("content_type", "Content-Type", "header", "str", required=True)
        return
    schema = _schema(operation, described)
    required = schema.get("required", [])
    for wire, inner in schema.get("properties", {}).items():
        yield Argument(_name(wire), wire, "body", _type(inner), wire in required)


def _content(operation: Described) -> Described:
    found: Described = operation.get("requestBody", {}).get("content", {})
    return found


def _raw(operation: Described) -> bool:
    """Whether it takes a file as it is instead of JSON."""
    content = _content(operation)
    return bool(content) and "application/json" not in content


def _schema(operation: Described, described: Described) -> Described:
    schema: Described = _content(operation).get("application/json", {}).get("schema", {})
    for choice in schema.get("anyOf", []):  # a body that may be left out
        if "$ref" in choice:
            schema = choice
    if "$ref" in schema:
        found: Described = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _name(wire: str) -> str:
    name = re.sub(r"\W", "_", wire).lower()
    return f"{name}_" if keyword.iskeyword(name) or name == "self" else name


def _type(schema: Described) -> str:
    choices = schema.get("anyOf") or [schema]
    kinds = [kind for choice in choices for kind in _kinds(choice)]
    return " | ".join(dict.fromkeys(kinds)) or "Any"


def _kinds(schema: Described) -> list[str]:
    named = schema.get("type", "object" if "$ref" in schema else None)
    names = named if isinstance(named, list) else [named]
    return [TYPES.get(name, "None" if name == "null" else "Any") for name in names if name]


def _signature(name: str, arguments: list[Argument]) -> str:
    needed = [argument for argument in arguments if argument.place == "path"]
    rest = [argument for argument in arguments if argument.place != "path"]
    rest.sort(key=lambda argument: not argument.required)
    parts = ["self", *(f"{argument.name}: {argument.type}" for argument in needed)]
    if rest:
        parts.append("*")
    for argument in rest:
        default = "" if argument.required else " = OMIT"
        parts.append(f"{argument.name}: {argument.type}{default}")
    line = f"def {name}({', '.join(parts)}) -> Any:"
    if len(line) <= 96:  # noqa: PLR2004 - of a line in a class
        return line
    return f"def {name}(\n" + "".join(f"    {part},\n" for part in parts) + ") -> Any:"


def _call(path: str, method: str, operation: Described, arguments: list[Argument]) -> str:
    filled = re.sub(r"{(\w+)(?::path)?}", lambda found: f"{{_part({_name(found[1])})}}", path)
    text = f'"{path}"' if filled == path else f'f"{filled}"'
    given = {
        place: ", ".join(f'"{a.wire}": {a.name}' for a in arguments if a.place == place)
        for place in ("query", "body", "header")
    }
    if _raw(operation):
        query = f"{{{given['query']}}}"
        headers = f"{{k: v for k, v in {{{given['header']}}}.items() if v is not OMIT}}"
        return f'send("{method.upper()}", {text}, {query}, data, {headers})'
    parts = [f'"{method.upper()}"', text]
    parts += [f"query={{{given['query']}}}"] if given["query"] else []
    if _content(operation):
        parts.append(f"body={{{given['body']}}}")
    parts += [f"headers={{{given['header']}}}"] if given["header"] else []
    return f"call({', '.join(parts)})"
