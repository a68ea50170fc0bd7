"""A template file: front matter between `---` lines, then HTML (or MJML, by the name's ending).

---
subject: Hi {{ first_name | default("there") }}
preheader: optional, shown beside the subject
text: |
  optional; derived from the HTML where it is missing
---
<p>…</p>
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.message import derived, engine, markup, tags
from adapters.message.engine import BadTemplate
from adapters.message.text import clean_text, field_name
from domain.ids import encode
from domain.refusals import Invalid, NotFound

# What every recipient has without a field of that name.
SYSTEM_VARIABLES = frozenset({"unsubscribe_url", "email"})
_KEYS = ("subject", "text", "preheader")
_FENCE = "---"
_KEY = re.compile(r"([A-Za-z_][\w-]*):(?:[ \t]+(.*))?")


@dataclass(frozen=True)
class Place:
    """A part of a template and the line of the file at which it starts, from 1."""

    source: str
    line: int


@dataclass(frozen=True)
class Content:
    """A mail before it is anyone's: checked sources in Jinja's spelling, HTML even from MJML."""

    subject: str
    html: str
    text: str
    preheader: str
    name: str  # of the file, for messages
    uses: tuple[tags.Use, ...]  # lines are the file's

    @property
    def variables(self) -> list[str]:
        """The fields of a lead that it shows, sorted."""
        return sorted({use.name for use in self.uses} - SYSTEM_VARIABLES)

    @property
    def body(self) -> dict[str, Any]:
        """What is stored of it: JSON, enough for `compile_message`."""
        return {
            "subject": self.subject,
            "html": self.html,
            "text": self.text,
            "preheader": self.preheader,
            "variables": self.variables,
        }

    @property
    def content_id(self) -> str:
        """Equal bodies have equal ids."""
        raw = json.dumps(self.body, sort_keys=True).encode()
        return encode("cnt", hashlib.blake2b(raw, digest_size=16).digest())


def parse_template(path: Path) -> Content:
    """Read a template file. NotFound without one; Invalid reads `file:line: what is wrong`."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path}: cannot be read ({error.strerror}): name a file") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Invalid(
            f"{path.name}:{line}: is not UTF-8: save the file in that encoding"
        ) from error
    return parse_source(text, path.name)


def parse_source(text: str, name: str) -> Content:
    """As `parse_template`, from text; a name ending in .mjml says that its body is MJML."""
    return parse_parts(_parts(clean_text(text), name), name)


def parse_parts(parts: Mapping[str, Place], name: str) -> Content:
    """As `parse_source`, from subject, html and what else there is, each where it stands."""
    checked = {key: _checked(place, name) for key, place in parts.items()}
    html = checked["html"]
    if name.lower().endswith(".mjml"):
        html = _at(parts["html"], name, derived.from_mjml, html)
    derive = "text" not in parts
    plain = _at(parts["html"], name, derived.plain_text, html) if derive else checked["text"]
    content = Content(
        subject=" ".join(checked["subject"].split()),
        html=html,
        text=plain,
        preheader=" ".join(checked.get("preheader", "").split()),
        name=name,
        uses=tuple(_all_uses(parts, checked)),
    )
    _try_out(content, parts)
    return content


def lint(content: Content, known_fields: Collection[str]) -> None:
    """Invalid, with its place, when a variable is no field of a lead and has no default."""
    known = {field_name(name) for name in known_fields} | SYSTEM_VARIABLES
    for use in content.uses:
        if use.name not in known and not use.has_default:
            raise Invalid(
                f"{content.name}:{use.line}: `{use.name}` is no field of the list and has no "
                f'default: write {{{{ {use.name} | default("…") }}}} or add the column'
            )


def _parts(text: str, name: str) -> dict[str, Place]:
    """The front matter's values and the body as `html`, each with its line."""
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        raise Invalid(f"{name}:1: has no front matter: start with ---, `subject: …`, ---")
    end = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)
    if end is None:
        raise Invalid(f"{name}:1: the front matter does not end: close it with ---")
    parts = _front_matter(lines[:end], name)
    if not parts.get("subject", Place("", 1)).source.strip():
        raise Invalid(f"{name}:1: has no subject: add `subject: …` to the front matter")
    body = "\n".join(lines[end + 1 :])
    if not body.strip():
        raise Invalid(f"{name}:{end + 1}: has no HTML after the front matter")
    return {**parts, "html": Place(body, end + 2)}


def _front_matter(lines: list[str], name: str) -> dict[str, Place]:
    found: dict[str, Place] = {}
    at = 1
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line.strip() or line.startswith("#"):
            continue
        key, value = _key_value(line, f"{name}:{at}")
        if key in found:
            raise Invalid(f"{name}:{at}: `{key}` stands there twice")
        found[key] = Place(_unquoted(value), at)
        if value.rstrip() in ("|", "|-", "|+"):
            block = _block(lines[at:])
            found[key] = Place("\n".join(block).rstrip("\n") + "\n", at + 1)
            at += len(block)
    return found


def _key_value(line: str, place: str) -> tuple[str, str]:
    found = _KEY.fullmatch(line.rstrip())
    if found is None:
        raise Invalid(f"{place}: is not `key: value`; text over several lines needs `key: |`")
    if found[1] not in _KEYS:
        raise Invalid(f"{place}: unknown key `{found[1]}`: known are {', '.join(_KEYS)}")
    return found[1], found[2] or ""


def _block(lines: list[str]) -> list[str]:
    """The indented lines that follow, without their common indent."""
    size = next(
        (at for at, line in enumerate(lines) if line.strip() and line[0] not in " \t"), None
    )
    block = lines[:size]
    indents = [len(line) - len(line.lstrip()) for line in block if line.strip()]
    return [line[min(indents, default=0) :] for line in block]


def _unquoted(value: str) -> str:
    value = value.strip()
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value


def _checked(place: Place, name: str) -> str:
    return _at(place, name, engine.checked, place.source)


def _at(place: Place, name: str, step: Any, source: str) -> str:
    """A step's result; what it refuses gets its line in the file."""
    try:
        return str(step(source))
    except BadTemplate as refused:
        line = place.line + refused.line - 1
        raise Invalid(f"{name}:{line}: {refused}") from refused
    except Invalid as refused:
        raise Invalid(f"{name}:{place.line}: {refused}") from refused


def _all_uses(parts: Mapping[str, Place], checked: Mapping[str, str]) -> Iterator[tags.Use]:
    for key, source in checked.items():
        wanted = engine.undeclared(source)
        for part in tags.split(source):
            if isinstance(part, tags.Tag):
                for use in tags.uses(part):
                    if use.name in wanted:
                        line = parts[key].line + use.line - 1
                        yield tags.Use(use.name, use.has_default, line)


def _try_out(content: Content, parts: Mapping[str, Place]) -> None:
    """Put it through the compiler's HTML step, and render it once for a lead without fields."""

    def whole(source: str) -> str:
        return markup.tracked(source, content.preheader, "https://click.invalid").html

    source = _at(parts["html"], content.name, whole, content.html)
    _at(parts["html"], content.name, rendered_empty, source)
    _at(parts["subject"], content.name, rendered_empty, content.subject)
    _at(parts.get("text", parts["html"]), content.name, rendered_empty, content.text)


def rendered_empty(source: str) -> str:
    """A checked source for a lead without fields. BadTemplate when it cannot be rendered."""
    tried = engine.Engine()
    tried.add("part.html", source)
    return tried.render("part.html", {})
