"""What is wrong with a template's draft, all of it at once: field, line, cure.

An error keeps it from being published or from being rendered; a warning is advice.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from adapters.message import derived, engine, markup, tags
from adapters.message.engine import BadTemplate
from adapters.message.template_file import (
    SYSTEM_VARIABLES,
    Content,
    Place,
    parse_parts,
    rendered_empty,
)
from adapters.message.text import clean_text, field_name
from domain.refusals import Invalid

CLIPPED_BYTES = 102_400  # Gmail shows no more of a mail
FINDINGS_MAX = 100  # nobody reads more; the rest shows once these are cured
SUBJECT_CHARS_MAX = 150  # no inbox shows more

_ELEMENT = re.compile(
    r"<\s*(script|iframe|frame|object|embed|applet|form|base|svg|link|video|audio)\b", re.IGNORECASE
)
_ACTIVE = frozenset({"script", "iframe", "frame", "object", "embed", "applet", "base"})
_HANDLER = re.compile(
    r"[\s\"'/](on(?:abort|animation|before|blur|change|click|dbl|drag|error|focus|input|key|load"
    r"|mouse|pointer|reset|resize|scroll|select|start|submit|toggle|touch|unload|wheel)[a-z]*)\s*=",
    re.IGNORECASE,
)
_TARGET = re.compile(
    r"\b(?:href|src|action|formaction|background|poster|data)\s*=\s*[\"']?([^\"'>]{0,200})",
    re.IGNORECASE,
)
_UNSAFE_SCHEMES = ("javascript:", "vbscript:", "data:text/html", "data:application")
_BLANK = re.compile(r"[\s\x00-\x1f]+")


@dataclass(frozen=True)
class Draft:
    """A template as it is worked on. `plain` None: the text is derived from the body."""

    subject: str
    body: str
    format: str = "html"
    preheader: str = ""
    plain: str | None = None

    def fields(self) -> dict[str, str]:
        """What it says, by the name that people know it by."""
        found = {"subject": self.subject, "preheader": self.preheader, self.format: self.body}
        return found if self.plain is None else found | {"text": self.plain}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `code` is stable; `line` counts from 1 within the field."""

    severity: str  # error, warning
    code: str
    field: str
    line: int
    detail: str
    cure: str


def content_of(draft: Draft) -> Content:
    """The draft as content that can be published. Raises Invalid; `examined` says more."""
    parts = {"subject": draft.subject, "preheader": draft.preheader, "html": draft.body}
    if draft.plain is not None:
        parts["text"] = draft.plain
    if not draft.subject.strip():
        raise Invalid("subject: it is empty; write one")
    if not draft.body.strip():
        raise Invalid(f"{draft.format}: it is empty; write the mail")
    places = {name: Place(clean_text(source), 1) for name, source in parts.items()}
    return parse_parts(places, f"template.{draft.format}")


def examined(
    draft: Draft, known_fields: Collection[str] | None = None, message_class: str = "bulk"
) -> list[Finding]:
    """Everything that is wrong, errors first. `known_fields` of the leads, or None: not known."""
    found = [*_texts(draft), *_variables(draft, known_fields), *_markup(draft)]
    if not any(finding.severity == "error" for finding in found):
        found += _whole(draft, message_class)
    found.sort(key=lambda one: (one.severity != "error", one.field, one.line))
    return found[:FINDINGS_MAX]


def _texts(draft: Draft) -> Iterator[Finding]:
    """Each part compiles, and holds nothing that mails may not."""
    for field, source in draft.fields().items():
        if not source.strip() and field in ("subject", draft.format):
            yield Finding("error", "empty", field, 1, "it is empty", "write something")
            continue
        steps: list[Callable[[str], str]] = [engine.checked, rendered_empty]
        if field == "mjml":
            steps = [engine.checked, derived.from_mjml, _whole_html, rendered_empty]
        elif field == "html":
            steps = [engine.checked, _whole_html, rendered_empty]
        yield from _tried(field, clean_text(source), steps)


def _whole_html(source: str) -> str:
    """Through the compiler's step: CSS inlined, every tag kept in its place."""
    markup.tracked(source, "", "https://click.invalid")
    return source


def _tried(field: str, source: str, steps: list[Callable[[str], str]]) -> Iterator[Finding]:
    try:
        for step in steps:
            source = step(source)
    except BadTemplate as bad:
        yield Finding("error", "bad_template", field, bad.line, str(bad), "correct it there")
    except Invalid as bad:
        yield Finding("error", "bad_template", field, 1, str(bad), "correct it")


def _variables(draft: Draft, known_fields: Collection[str] | None) -> Iterator[Finding]:
    known = SYSTEM_VARIABLES | {field_name(name) for name in known_fields or ()}
    for field, source in draft.fields().items():
        for use in _uses(clean_text(source)):
            if use.has_default or use.name in known:
                continue
            cure = f'write {{{{ {use.name} | default("…") }}}}'
            if known_fields is None:
                detail = f"`{use.name}` has no default: a lead without it sees nothing there"
                yield Finding("warning", "no_default", field, use.line, detail, cure)
            else:
                detail = f"`{use.name}` is no field of these leads and has no default"
                cure += ", or add the column"
                yield Finding("error", "undefined_variable", field, use.line, detail, cure)


def _uses(source: str) -> list[tags.Use]:
    """The outside variables of a source; none where it does not compile."""
    try:
        plain = engine.checked(source)
        wanted = engine.undeclared(plain)
    except Invalid:
        return []
    named = (
        use for part in tags.split(plain) if isinstance(part, tags.Tag) for use in tags.uses(part)
    )
    return [use for use in named if use.name in wanted]


def _markup(draft: Draft) -> Iterator[Finding]:
    """What a mail program would not show, or hold against the sender."""
    field, source = draft.format, clean_text(draft.body)
    for found in islice(_ELEMENT.finditer(source), FINDINGS_MAX):
        name = found[1].lower()
        severity = "error" if name in _ACTIVE else "warning"
        detail = f"mail programs remove <{name}>, and filters count it as bad"
        yield Finding(severity, "unsafe_html", field, _line(source, found), detail, "leave it out")
    for found in islice(_HANDLER.finditer(source), FINDINGS_MAX):
        detail = f"mail programs remove {found[1].lower()}=, and filters count it as bad"
        yield Finding("error", "unsafe_html", field, _line(source, found), detail, "leave it out")
    for found in islice(filter(_is_unsafe, _TARGET.finditer(source)), FINDINGS_MAX):
        detail, cure = "a link must not lead to a script or a document", "link to an https: address"
        yield Finding("error", "unsafe_html", field, _line(source, found), detail, cure)


def _is_unsafe(found: re.Match[str]) -> bool:
    target = _BLANK.sub("", html.unescape(found[1])).lower()
    return target.startswith(_UNSAFE_SCHEMES)


def _line(source: str, found: re.Match[str]) -> int:
    return source.count("\n", 0, found.start()) + 1


def _whole(draft: Draft, message_class: str) -> Iterator[Finding]:
    """What only the whole mail tells."""
    try:
        content = content_of(draft)
    except Invalid as bad:
        yield Finding("error", "bad_template", draft.format, 1, str(bad), "correct it")
        return
    size = len(content.html.encode())
    if size > CLIPPED_BYTES:
        detail = f"its HTML has {size:,} bytes: Gmail shows the first {CLIPPED_BYTES:,}"
        yield Finding("warning", "too_long", draft.format, 1, detail, "shorten it")
    if len(content.subject) > SUBJECT_CHARS_MAX:
        detail = f"the subject has {len(content.subject)} characters; no inbox shows them all"
        yield Finding("warning", "too_long", "subject", 1, detail, "shorten it")
    shown = {use.name for use in content.uses}
    if message_class == "bulk" and "unsubscribe_url" not in shown:
        detail = "a bulk mail needs a way to leave that people see"
        cure = 'write <a href="{{ unsubscribe_url }}">Unsubscribe</a>'
        yield Finding("warning", "no_unsubscribe", draft.format, 1, detail, cure)
