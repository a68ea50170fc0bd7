"""A mail as one reader would see it, without links to count clicks and without a pixel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minijinja import safe

from adapters.message import engine
from adapters.message.text import clean_text, clean_value, field_name

UNSUBSCRIBE_SHOWN = "https://unsubscribe.invalid/"
_OPENING = re.compile(r"\{[{%#]")
#: Stand for what only a real send has, until `as_content` turns them into tags again.
_LATER = {"unsubscribe_url": "pm-0-unsubscribe-0-mp", "email": "pm-0-address-0-mp"}


@dataclass(frozen=True)
class Preview:
    """What it says. `missing`: fields that it shows and this reader has not."""

    subject: str
    preheader: str
    html: str
    text: str
    missing: tuple[str, ...]


def rendered(body: Mapping[str, Any], fields: Mapping[str, str], email: str) -> Preview:
    """Content (`Content.body`) for somebody with these fields. BadTemplate when it cannot be."""
    return _rendered(body, fields, {"unsubscribe_url": UNSUBSCRIBE_SHOWN, "email": email})


def as_content(body: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, str]:
    """The parts of a mail that says to everybody what it would say to somebody with these fields.

    Only the address and the link to unsubscribe remain everybody's own.
    """
    found = _rendered(body, fields, _LATER)
    parts = {
        "subject": found.subject,
        "preheader": found.preheader,
        "html": found.html,
        "text": found.text,
    }
    return {name: _fixed(text) for name, text in parts.items()}


def _fixed(text: str) -> str:
    """Text that renders as itself."""
    fixed = _OPENING.sub(lambda found: f'{{{{ "{found[0]}" }}}}', text)
    for name, later in _LATER.items():
        fixed = fixed.replace(later, f"{{{{ {name} }}}}")
    return fixed


def _rendered(
    body: Mapping[str, Any], fields: Mapping[str, str], own: Mapping[str, str]
) -> Preview:
    known = {field_name(name): clean_value(str(value)) for name, value in fields.items()}
    given = {name: value for name, value in known.items() if value} | {
        "email": own["email"],
        "unsubscribe_url": safe(own["unsubscribe_url"]),
    }
    made = engine.Engine()
    parts = {}
    for name in ("subject", "preheader", "html", "text"):
        made.add(f"{name}.{'html' if name == 'html' else 'txt'}", str(body.get(name, "")))
        parts[name] = made.render(f"{name}.{'html' if name == 'html' else 'txt'}", given)
    shown = {name for part in parts for name in engine.undeclared(str(body.get(part, "")))}
    return Preview(
        subject=" ".join(clean_text(parts["subject"]).split()),
        preheader=" ".join(clean_text(parts["preheader"]).split()),
        html=parts["html"],
        text=parts["text"],
        missing=tuple(sorted(shown - given.keys())),
    )
