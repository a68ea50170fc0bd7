"""Whatever a lead's fields hold, one mail leaves, with our headers, and says what it should."""

from __future__ import annotations

import html as html_module

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.message import markup
from adapters.message.engine import Engine
from adapters.message.merge import with_links
from adapters.message.pieces import Block, pieces
from adapters.message.quoted_printable import SOFT_BREAK, quoted, quoted_value
from adapters.message.skeleton import compile_message
from adapters.message.text import clean_text, clean_value
from adapters.message.tokens import Tokens
from tests.message_kit import (
    ADDRESS,
    ID_KEY,
    LAUNCHED_AT,
    SEND_ID,
    TRACKING_URL,
    assert_fit_for_wire,
    compiled,
    content,
    header_names,
    hostile_text,
    parsed,
    part,
)

NAMES = ("first_name", "city", "plan")
TOKEN = Tokens(ID_KEY).make(SEND_ID)
SLOTS = compiled(
    "<p>{{ first_name }}</p>\n.{{ city | default('x') }}.\n<i title='{{ plan }}'>{{ plan }}</i>",
    subject="{{ first_name }} {{ city }}{{ plan }}",
    text="{{ first_name }}\n{{ city }}.\n.{{ plan }}\n",
)
BLOCKS = compiled(
    "{% if first_name %}{{ first_name }}{% endif %}{{ city|upper }}"
    "{% for x in [1] %}{{ plan }}{% endfor %}",
    subject="{% if first_name %}{{ first_name }}{% endif %}{{ city|lower }}",
    text="{% if first_name %}{{ first_name }}{% endif %}\n{{ plan|trim }}\n",
)
hostile_fields = st.fixed_dictionaries(dict.fromkeys(NAMES, hostile_text))


@given(fields=hostile_fields)
@settings(max_examples=60, deadline=None)
def test_hostile_values_make_one_mail_with_our_headers_alone(fields: dict[str, str]) -> None:
    """Header injection and SMTP smuggling, read by the letter and by a library."""
    for skeleton in (SLOTS, BLOCKS):
        plain = header_names(skeleton.render(0, SEND_ID, ADDRESS, {}).wire)

        wire = skeleton.render(0, SEND_ID, ADDRESS, fields).wire

        assert_fit_for_wire(wire)
        assert header_names(wire) == plain
        found = parsed(wire)
        assert list(found.keys()) == plain
        assert found["To"] == ADDRESS
        assert not found.defects
        assert len(list(found.walk())) == 3
        subject = str(found["Subject"])
        assert not [letter for letter in subject if not letter.isprintable() and ord(letter) < 160]
        assert "=?" not in subject


@given(sender_name=hostile_text.filter(lambda name: len(name) < 150))
@settings(max_examples=40, deadline=None)
def test_hostile_sender_names_stay_in_their_header(sender_name: str) -> None:
    wire = compiled(sender_name=sender_name).render(0, SEND_ID, ADDRESS, {}).wire

    assert_fit_for_wire(wire)
    assert list(parsed(wire).keys()) == header_names(wire)
    assert parsed(wire)["From"].addresses[-1].addr_spec == "news@example.com"
    assert len(parsed(wire)["From"].addresses) == 1


words = st.text(st.characters(codec="utf-8", exclude_characters="{}"), max_size=30).map(clean_text)
literals = st.sampled_from(["there", "<b>", "a & b", "x/y", "", "it's", "Zoë"])
statements = st.sampled_from(
    [
        "{% if first_name %}A {{ first_name }}{% else %}B{% endif %}",
        "{% for x in [1, 2] %}{{ x }}{{ city }}\n{% endfor %}",
        "{% if plan == 'pro' %}<a href=\"https://pro.example\">{{ plan }}</a>{% endif %}",
        "{{ city | upper }}",
        "{{ first_name ~ city }}",
        "{% raw %}{{ raw }}{% endraw %}",
        "{# remark #}",
        '<a href="https://x.example/?a=1&amp;b={{ plan }}">1</a>',
        '<a href="https://x.example/?a=1&amp;b=2">1</a>',
        '<a href="{{ unsubscribe_url }}">bye</a> {{ unsubscribe_url }} {{ email }}',
        "{%- if city -%} trimmed {%- endif -%}",
        "{% set x = city %}{{ x }}",
    ]
)
simple = st.builds(
    lambda name, word: f'{{{{ {name} | default("{word}") }}}}', st.sampled_from(NAMES), literals
) | st.sampled_from([f"{{{{ {name} }}}}" for name in NAMES])
sources = st.lists(
    words.map(lambda word: word.replace("<", "&lt;")) | simple | statements, max_size=8
)


def expected(source: str, fields: dict[str, str], name: str) -> str:
    """The whole source through the engine, as a mail client decodes it."""
    known = {key: clean_value(value) for key, value in fields.items()}
    context = {key: value for key, value in known.items() if value}
    engine = Engine()
    engine.add(name, source)
    link = f"{TRACKING_URL}/u/{TOKEN}"
    own = {"email": ADDRESS, markup.TOKEN: TOKEN, "unsubscribe_url": link}
    return clean_text(engine.render(name, context | own)).replace("\n", "\r\n")


@given(found=sources, fields=hostile_fields)
@settings(max_examples=60, deadline=None)
def test_slots_and_the_engine_say_the_same(found: list[str], fields: dict[str, str]) -> None:
    """The quick way (slots, blocks) and the slow way (all of it rendered) have the same content."""
    parsed_source = content("<p>x</p>" + "".join(found), text="".join(found).strip() or "x")
    skeleton = compile_message(
        parsed_source.body,
        sender_address="news@example.com",
        sender_name="",
        domain="example.com",
        campaign_id="cmp_a",
        tenant_id="ten_b",
        launched_at=LAUNCHED_AT,
        tracking_url=TRACKING_URL,
        id_key=ID_KEY,
        message_class="bulk",
        signers=(),
    )
    tracked = markup.tracked(parsed_source.html, "", TRACKING_URL)

    wire = skeleton.render(0, SEND_ID, ADDRESS, fields).wire

    assert_fit_for_wire(wire)
    assert skeleton.links == tracked.links
    html = html_module.unescape(part(wire, "html"))
    assert html == html_module.unescape(expected(tracked.html, fields, "a.html"))
    assert part(wire, "plain") == expected(parsed_source.text, fields, "a.txt")


def test_both_ways_are_taken() -> None:
    """The negative control of the property above: simple variables are slots, the rest is not."""
    quick = with_links(pieces("a {{ city }} {{ plan | default('x') }} {{ unsubscribe_url }}"), "u")
    slow = pieces("a {{ city|upper }} b {% if plan %}c{% endif %} d")

    assert not [piece for piece in quick if isinstance(piece, Block)]
    assert len([piece for piece in slow if isinstance(piece, Block)]) == 2
    assert [type(piece) for piece in pieces("a {%- if plan %}b{% endif %}")] == [Block]


@given(texts=st.lists(st.text(st.characters(codec="utf-8")).map(clean_text), max_size=6))
@settings(max_examples=100, deadline=None)
def test_quoted_segments_decode_to_what_they_were(texts: list[str]) -> None:
    """Joined by soft breaks, in any order, by the standard library's decoder."""
    import quopri

    wire = SOFT_BREAK.join([quoted(text) for text in texts] + [b"\r\n"])

    assert quopri.decodestring(wire).decode() == "".join(texts).replace("\n", "\r\n") + "\r\n"
    assert max(map(len, wire.split(b"\r\n"))) <= 76
    assert not [line for line in wire.split(b"\r\n") if line.startswith((b".", b"From "))]
    assert [quoted_value(text) for text in texts] == [quoted(text) for text in texts]


@given(token=st.text(max_size=60) | st.from_regex(r"a[a-z2-7]{26}[0-9a-f]{20}", fullmatch=True))
@settings(max_examples=100, deadline=None)
def test_nobody_guesses_a_token(token: str) -> None:
    assert Tokens(ID_KEY).parse(token) is None
