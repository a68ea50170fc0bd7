"""A compiled mail: its headers, its links, its slots; the same bytes every time."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest

from adapters.message.skeleton import shown
from adapters.message.tokens import Tokens
from domain.refusals import Invalid
from tests.message_kit import (
    ADDRESS,
    ID_KEY,
    LAUNCHED_AT,
    SEND_ID,
    assert_fit_for_wire,
    compiled,
    header_names,
    parsed,
    part,
)

TOKEN = Tokens(ID_KEY).make(SEND_ID)
LINKED = (
    '<p><a href="https://x.example/?a=1&amp;b=2">1</a> <a class="c" href=HTTP://y.example>2</a>'
    '<a href="mailto:a@b.c">m</a> <a href="tel:+31">t</a> <a href="#top">a</a>'
    '<a href="https://z.example/{{ first_name }}">own</a> <a href="/relative">r</a>'
    '<a href="javascript:alert(1)">j</a> <a href="{{ unsubscribe_url }}">bye</a></p>'
    '<!--[if mso]><v:roundrect href="https://v.example/"></v:roundrect><![endif]-->'
)


def test_a_mail_has_what_receivers_ask_for() -> None:
    message = compiled(LINKED).render(7, SEND_ID, ADDRESS, {"first_name": "Ada"})

    assert_fit_for_wire(message.wire)
    found = parsed(message.wire)
    assert message.index == 7
    assert message.rcpt_to == found["To"] == ADDRESS
    assert message.mail_from == f"b-{TOKEN}@bounce.example.com"
    assert found["Message-ID"] == f"<{SEND_ID[4:]}@example.com>"
    assert parsedate_to_datetime(found["Date"]) == LAUNCHED_AT
    assert found["Subject"] == "Hi Ada"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found["List-Unsubscribe"] == (
        f"<https://click.example.com/u/{TOKEN}>, <mailto:unsubscribe+{TOKEN}@bounce.example.com>"
    )
    campaign, tenant, stream, sender = found["Feedback-ID"].split(":")
    assert (campaign[:4], tenant[:4], stream) == ("cmp_", "ten_", "bulk")
    assert 5 <= len(sender) <= 15
    assert [one.get_content_type() for one in found.iter_parts()] == ["text/plain", "text/html"]
    assert len(set(header_names(message.wire))) == len(header_names(message.wire))


def test_web_links_are_numbered_and_others_left_alone() -> None:
    skeleton = compiled(LINKED)

    html = part(skeleton.render(0, SEND_ID, ADDRESS, {"first_name": "Ada"}).wire, "html")

    assert skeleton.links == (
        "https://x.example/?a=1&b=2",
        "HTTP://y.example",
        "https://v.example/",
    )
    for number in (1, 2, 3):
        assert f'href="https://click.example.com/c/{TOKEN}/{number}"' in html
    for kept in ("mailto:a@b.c", "tel:+31", "#top", "https://z.example/Ada", "/relative"):
        assert f'href="{kept}"' in html
    assert f'href="https://click.example.com/u/{TOKEN}"' in html
    assert html.index(f"/o/{TOKEN}.gif") < html.index("</body>")


def test_styles_are_inlined_and_what_cannot_be_stays() -> None:
    body = (
        "<style>p { color: red } @media (max-width: 9px) { p { color: blue } }"
        "a:hover { color: pink }</style>"
        '<link rel="stylesheet" href="http://127.0.0.1:9/never.css"><p>1</p><a href="#x">2</a>'
    )

    html = part(compiled(body).render(0, SEND_ID, ADDRESS, {}).wire, "html")

    assert '<p style="color: red;">' in html
    assert "@media (max-width: 9px)" in html
    assert "a:hover" in html
    assert "never.css" not in html


def test_a_transactional_mail_offers_no_unsubscribing() -> None:
    wire = compiled(message_class="transactional").render(0, SEND_ID, ADDRESS, {}).wire

    assert not {"List-Unsubscribe", "List-Unsubscribe-Post"} & set(header_names(wire))


@pytest.mark.parametrize(
    "body", ["<p>{{ first_name }}</p>", "{% if first_name %}<p>x</p>{% endif %}"]
)
def test_every_attempt_has_the_same_bytes(body: str) -> None:
    """Receivers that drop repeats do so by Message-ID and bytes."""
    fields = {"first_name": "Ünal"}

    first = compiled(body).render(3, SEND_ID, ADDRESS, fields)
    again = compiled(body).render(3, SEND_ID, ADDRESS, dict(fields))

    assert first == again


def test_defaults_stand_where_a_field_is_missing_or_blank() -> None:
    skeleton = compiled(
        "<p>{{ city | default('<there>') }}</p>", text="{{ city | default('here') }}"
    )
    for fields in ({}, {"city": ""}, {"city": " \t"}, {"city": "\x00"}):
        wire = skeleton.render(0, SEND_ID, ADDRESS, fields).wire
        assert "<p>&lt;there&gt;</p>" in part(wire, "html")
        assert part(wire, "plain") == "here\r\n"


def test_fields_are_found_in_any_spelling() -> None:
    skeleton = compiled("<p>{{ first_name }}{% if first_name %}!{% endif %}</p>")
    for name in ("first_name", "firstName", "First Name"):
        wire = skeleton.render(0, SEND_ID, ADDRESS, {name: "Ada"}).wire
        assert "<p>Ada!</p>" in part(wire, "html")


def test_the_preheader_stands_first_and_unseen() -> None:
    skeleton = compiled(
        "<p>x</p>", subject="Hi\npreheader: soon, {{ first_name | default('you') }} & <me>"
    )

    html = part(skeleton.render(0, SEND_ID, ADDRESS, {}).wire, "html")

    assert "display:none" in html.partition("soon, you &amp; &lt;me&gt;</div><p>")[0]


def test_a_mail_is_shown_as_people_see_it() -> None:
    message = compiled(text="Hi {{ first_name }}").render(
        0, SEND_ID, ADDRESS, {"first_name": "Zoë"}
    )

    subject, html, text = shown(message)

    assert subject == "Hi Zoë"
    assert "<p>Hi Zoë</p>" in html
    assert text.strip() == "Hi Zoë"


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "https://x y", "https://x.example/\r\n", "javascript:"]
)
def test_a_tracking_url_must_be_one(url: str) -> None:
    with pytest.raises(Invalid, match="PM_TRACKING_URL"):
        compiled(tracking_url=url)


def test_what_only_looks_like_a_tag_stays_text() -> None:
    body = (
        "<p>&#123;{ first_name }} {% raw %}{{ x }}{% endraw %} &#123;{{ first_name }}{# gone #}</p>"
    )

    html = part(compiled(body).render(0, SEND_ID, ADDRESS, {"first_name": "Ada"}).wire, "html")

    assert "<p>{{ first_name }} {{ x }} {Ada</p>" in html
