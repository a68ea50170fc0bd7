"""Findings about drafts: every one at once, each at its place, and none without a cause."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.message import engine, preview
from adapters.message.linting import CLIPPED_BYTES, FINDINGS_MAX, Draft, content_of, examined
from domain.refusals import Invalid

LEAVE = '<a href="{{ unsubscribe_url }}">Leave</a>'
GOOD = Draft('Hi {{ first_name | default("there") }}', f"<p>Hello</p>{LEAVE}")


def codes(draft: Draft, *known: str) -> list[tuple[str, str, int]]:
    return [(one.code, one.field, one.line) for one in examined(draft, known)]


def test_a_good_draft_has_no_finding() -> None:
    assert examined(GOOD) == []
    assert content_of(GOOD).variables == ["first_name"]


@pytest.mark.parametrize(
    "html",
    [
        "<script>x()</script>",
        "<SCRIPT src=x>",
        "<iframe src=x></iframe>",
        '<img src="x" onerror="x()">',
        "<img/onerror=x>",
        '<a href="javascript:x()">a</a>',
        '<a href=" java\nscript:x()">a</a>',
        '<a href="&#106;avascript:x()">a</a>',
        '<a href="data:text/html,x">a</a>',
        "<object data=x></object>",
    ],
)
def test_what_could_run_is_an_error(html: str) -> None:
    found = examined(Draft("Hi", f"<p>a</p>\n{html}{LEAVE}"))

    assert (found[0].severity, found[0].code, found[0].line) == ("error", "unsafe_html", 2)


@pytest.mark.parametrize(
    "html",
    [
        "<p>We are online = always</p>",
        '<a href="https://example.com/?on=1&x=javascript:">a</a>',
        "<p>Write a script: it is easy</p>",
        '<img src="https://example.com/a.png" alt="x">',
        '<a href="mailto:a@example.com">a</a>',
    ],
)
def test_what_is_harmless_is_not_found_fault_with(html: str) -> None:
    assert examined(Draft("Hi", html + LEAVE)) == []


def test_findings_of_all_parts_come_at_once_errors_first() -> None:
    draft = Draft(
        subject="Hi {{ name }}",
        body=f"<p>a</p>\n\n<p>{{{{ city }}}}</p>{LEAVE}",
        preheader="{% if %}",
        plain="one\n{{ firm | safe }}",
    )

    assert codes(draft, "city") == [
        ("bad_template", "preheader", 1),
        ("undefined_variable", "subject", 1),
        ("bad_template", "text", 2),
    ]


def test_without_known_fields_a_missing_default_is_only_a_warning() -> None:
    found = examined(Draft("Hi {{ name }}", LEAVE))

    assert [(one.severity, one.code) for one in found] == [("warning", "no_default")]


def test_a_mail_that_would_be_clipped_is_warned_of() -> None:
    found = examined(Draft("Hi", f"<p>{'x' * CLIPPED_BYTES}</p>{LEAVE}"))

    assert [(one.severity, one.code) for one in found] == [("warning", "too_long")]


@pytest.mark.parametrize("draft", [Draft("", "<p>a</p>"), Draft(" ", "a"), Draft("Hi", " ")])
def test_an_empty_part_is_an_error_and_no_content(draft: Draft) -> None:
    assert "empty" in {one.code for one in examined(draft)}
    with pytest.raises(Invalid):
        content_of(draft)


@pytest.mark.parametrize(
    "unit", ["<a href='", "<", "<!--", "<script ", "{{", "{%", " on", "href= "]
)
def test_a_hostile_source_is_looked_through_and_the_findings_stay_few(unit: str) -> None:
    """In linear time: where something here was quadratic, this took minutes."""
    found = examined(Draft("Hi", unit * (400_000 // len(unit))))

    assert len(found) <= FINDINGS_MAX


TEXTS = st.text(alphabet="ab<&\"'{}%#\r\n\u2028é/", max_size=30)


@given(first=TEXTS, firm=TEXTS)
@settings(max_examples=150, deadline=None)
def test_a_test_mail_says_to_everybody_what_the_preview_says_to_one(first: str, firm: str) -> None:
    """Values that look like tags stay text, and the link to leave stays each reader's own."""
    body = content_of(
        Draft(
            'Hi {{ first_name | default("there") }}',
            f'<p title="{{{{ firm }}}}">{{{{ firm }}}}</p>{LEAVE}',
            plain="Hi {{ first_name }} of {{ firm }}\n{{ unsubscribe_url }}",
        )
    ).body
    fields = {"firstName": first, "firm": firm}
    shown = preview.rendered(body, fields, "ann@example.com")

    fixed = preview.as_content(body, fields)
    again = preview.rendered(fixed, {}, "ann@example.com")

    assert (again.subject, again.html, again.text) == (shown.subject, shown.html, shown.text)
    assert "\n" not in shown.subject
    for part in ("subject", "html", "text"):
        assert engine.undeclared(fixed[part]) <= {"unsubscribe_url"}
