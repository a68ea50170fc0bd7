"""The template engine, walled in: no loader, no Python methods, bounded time and output."""

from __future__ import annotations

import re
from collections.abc import Mapping

from minijinja import Environment, TemplateError

from adapters.message import tags
from domain.refusals import Invalid

# minijinja 3.1 charges about one per instruction and one per 64 bytes made: at most 3.2 MB, 10 ms.
FUEL = 50_000
_OPENING = re.compile(r"\{\{|\{%")
SOURCE_CHARS_MAX = 500_000  # mailbox providers clip mails at 100 KB


class Engine:
    """Templates of one mail by name; a name ending in .html escapes values for HTML."""

    def __init__(self) -> None:
        self._env = Environment(pycompat=False, keep_trailing_newline=True, fuel=FUEL)
        self._env.remove_global("debug")

    def add(self, name: str, source: str) -> None:
        """Compile. Invalid with the line within the source when it is no template."""
        if len(source) > SOURCE_CHARS_MAX:
            raise Invalid(f"it has more than {SOURCE_CHARS_MAX} characters")
        try:
            self._env.add_template(name, source)
        except TemplateError as error:
            raise BadTemplate(_reason(error), _line(error)) from error

    def render(self, name: str, values: Mapping[str, str]) -> str:
        """Render with texts only, in a dict of its own. Invalid when the fuel is used up."""
        try:
            return str(self._env.render_template(name, **values))
        except TemplateError as error:
            raise BadTemplate(f"cannot be rendered: {_reason(error)}", _line(error)) from error


class BadTemplate(Invalid):
    """A template is none, or cannot be rendered; `line` is within its part, from 1."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


def checked(source: str) -> str:
    """The source in its plain spelling, once it compiles and holds nothing that mails may not.

    Invalid (BadTemplate where the line is known) says what is wrong.
    """
    _demand_short_tags(source)
    plain = tags.plain_spelling(_compiling(source))
    for part in tags.split(plain):
        if isinstance(part, tags.Tag):
            try:
                tags.check(part)
            except Invalid as refused:
                raise BadTemplate(str(refused), part.line) from refused
    Engine().add("check.html", plain)
    return plain


def _compiling(source: str) -> str:
    """The source, with `{{name|several words}}` as defaults where only that compiles."""
    try:
        Engine().add("check.html", source)
    except BadTemplate:
        source = tags.with_defaults(source)
        Engine().add("check.html", source)
    return source


def _demand_short_tags(source: str) -> None:
    """Compiling a long chain of operators takes quadratic time, so this comes first."""
    for opening in _OPENING.finditer(source):
        start = opening.end()
        closing = "}}" if opening[0] == "{{" else "%}"
        if source.find(closing, start, start + tags.TAG_CHARS_MAX) < 0:
            line = source.count("\n", 0, start) + 1
            raise BadTemplate(
                f"a tag is not closed, or has more than {tags.TAG_CHARS_MAX} characters", line
            )


def undeclared(source: str) -> set[str]:
    """The variables that a compiled source takes from outside."""
    env = Environment(pycompat=False)
    return set(env.undeclared_variables_in_str(source)) - {"range"}


def _reason(error: TemplateError) -> str:
    if error.kind == "OutOfFuel":
        return "it takes too long or makes too much text: shorten its loops"
    return str(getattr(error, "detail", None) or error.kind)


def _line(error: TemplateError) -> int:
    return int(getattr(error, "line", None) or 1)
