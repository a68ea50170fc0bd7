"""A template file becomes content, or one line that says where it is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.message.template_file import lint, parse_source, parse_template
from domain.refusals import Invalid, NotFound


def source(body: str = "<p>Hi</p>", front: str = "subject: Hi") -> str:
    return f"---\n{front}\n---\n{body}"


def test_front_matter_and_html_become_content() -> None:
    found = parse_source(
        source(
            "<p>Hi {{ first_name }}</p>",
            "# a remark\nsubject: \"Hi {{ city }}\"\npreheader: 'soon'\n\n"
            "text: |\n  Dear {{ first_name }},\n\n    indented\n",
        ),
        "letter.html",
    )

    assert found.subject == "Hi {{ city }}"
    assert found.preheader == "soon"
    assert found.text == "Dear {{ first_name }},\n\n  indented\n"
    assert found.html == "<p>Hi {{ first_name }}</p>"
    assert found.variables == ["city", "first_name"]


def test_content_is_json_and_named_by_its_body() -> None:
    one = parse_source(source("<p>1</p>"), "a.html")
    same = parse_source(source("<p>1</p>"), "b.html")
    other = parse_source(source("<p>2</p>"), "a.html")

    assert json.loads(json.dumps(one.body)) == one.body
    assert one.content_id == same.content_id != other.content_id
    assert one.content_id.startswith("cnt_")
    assert len(one.content_id) == 30


def test_the_text_is_derived_once_with_links_and_variables() -> None:
    found = parse_source(
        source(
            "<html><head><style>p{}</style></head><body><h1>Hi {{firstName|there}}</h1>"
            "<table>{% for x in [1, 2] %}<tr><td>{{ x }}</td><td>b</td></tr>{% endfor %}</table>"
            "<p><a href='https://x.example/'>go</a></p></body></html>"
        ),
        "a.html",
    )

    assert 'Hi {{ first_name | default("there") }}' in found.text
    assert "[go](https://x.example/)" in found.text
    loop = found.text.index("{% for"), found.text.index("{{ x }}"), found.text.index("{% endfor")
    assert list(loop) == sorted(loop)
    assert "p{}" not in found.text


def test_mjml_becomes_html_with_its_variables() -> None:
    found = parse_source(
        source(
            "<mjml><mj-body>{% if city %}<mj-section><mj-column>"
            '<mj-text>Hi {{firstName|there}}</mj-text><mj-button href="{{ url | default("x") }}">'
            "Go</mj-button></mj-column></mj-section>{% endif %}</mj-body></mjml>"
        ),
        "letter.mjml",
    )

    assert "<!doctype html>" in found.html
    assert "mj-text" not in found.html
    assert 'Hi {{ first_name | default("there") }}' in found.html
    assert 'href="{{ url | default("x") }}"' in found.html
    assert found.html.index("{% if city %}") < found.html.index("{% endif %}")


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("{{firstName|there}}", '{{ first_name | default("there") }}'),
        ("{{ firstName | dear friend }}", '{{ first_name | default("dear friend") }}'),
        ("{{ FirstName }}", "{{ first_name }}"),
        ("{{firstName|upper}}", "{{first_name|upper}}"),
        ('{{ firstName|default("fooBar") }}', '{{ first_name|default("fooBar") }}'),
        ("{% if isVip %}1{% endif %}", "{% if is_vip %}1{% endif %}"),
        ("{% raw %}{{ fooBar|baz }}{% endraw %}", "{% raw %}{{ fooBar|baz }}{% endraw %}"),
    ],
)
def test_both_spellings_of_the_brief_are_one(written: str, plain: str) -> None:
    assert parse_source(source(f"<p>{written}</p>"), "a.html").html == f"<p>{plain}</p>"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<p>no front matter</p>", "a.html:1: has no front matter"),
        ("---\nsubject: x\n<p>", "a.html:1: the front matter does not end"),
        ("---\ntext: x\n---\n<p>", "a.html:1: has no subject"),
        ("---\nsubject:\n---\n<p>", "a.html:1: has no subject"),
        ("---\nsubject: x\nsubjekt: y\n---\n<p>", "a.html:3: unknown key `subjekt`"),
        ("---\nsubject: x\nsubject: y\n---\n<p>", "a.html:3: `subject` stands there twice"),
        ("---\nsubject: x\n  more\n---\n<p>", "a.html:3: is not `key: value`"),
        ("---\nsubject: x\n---\n \n", "a.html:3: has no HTML"),
        ("---\nsubject: {{ x\n---\n<p>", "a.html:2: a tag is not closed"),
        ("---\nsubject: x\n---\n<p>\n\n{% if x %}", "a.html:6: unexpected end of input"),
        ("---\nsubject: x\n---\n<p>\n{{ x|uper|lower }}", "a.html:5: the filter `uper` is unknown"),
        ("---\nsubject: x\n---\n{{ x|safe }}", "a.html:4: the filter `safe` is not for mail"),
        ("---\nsubject: x\n---\n{{ x is odder }}", "a.html:4: the test `is odder` is unknown"),
        ("---\nsubject: x\n---\n{% include 'b' %}", "a.html:4: `{% include %}` is not for mail"),
        ("---\nsubject: x\n---\n{{ user.name }}", "a.html:4: `user.name`: fields are texts"),
        ("---\nsubject: x\n---\n{{ x.upper() }}", "a.html:4: `x.upper`: fields are texts"),
        ("---\nsubject: x\n---\n{{ debug() }}", "a.html:4: `debug()` is not for mail"),
        (
            "---\nsubject: x\n---\n\n<link rel=stylesheet href='{{ x }}'>",
            "a.html:5: `{{ x }}` stands where HTML cannot keep it",
        ),
        ("---\nsubject: x\n---\n{{ {1: 2} }}", "a.html:4: braces within a tag"),
        ("---\nsubject: x\n---\n\n<p {{ x }}>", "a.html:5: a tag stands between the attributes"),
        ("---\nsubject: x\n---\n<p {% if x %}id='1'{% endif %}>", "a.html:4: a tag stands between"),
        (
            "---\nsubject: x\ntext: |\n  a\n  {{ b|uper|c }}\n---\n<p>",
            "a.html:5: the filter `uper`",
        ),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_line(text: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_source(text, "a.html")

    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_bad_mjml_is_one_line() -> None:
    with pytest.raises(Invalid, match=r"^a\.mjml:4: is not MJML: [^\n]+$"):
        parse_source("---\nsubject: x\n---\n<p>not mjml</p>", "a.mjml")


def test_a_variable_without_field_and_default_is_refused_with_its_line() -> None:
    found = parse_source(
        source('<p>{{ first_name }}</p>\n{{ nick | default("you") }}\n<b>{{ compny }}</b>'),
        "a.html",
    )

    lint(found, {"firstName", "compny"})
    with pytest.raises(Invalid, match=r"^a\.html:6: `compny` is no field"):
        lint(found, {"First Name"})


def test_what_every_recipient_has_needs_no_field() -> None:
    body = (
        '<a href="{{ unsubscribe_url }}">{{ email }}</a>'
        "{% for x in [1] %}{{ loop.index }}{{ x }}{% endfor %}"
    )

    lint(parse_source(source(body), "a.html"), set())


def test_a_condition_on_an_unknown_field_is_refused() -> None:
    found = parse_source(source("{% if plann == 'pro' %}<p>x</p>{% endif %}"), "a.html")

    with pytest.raises(Invalid, match=r"^a\.html:4: `plann`"):
        lint(found, {"plan"})


def test_a_file_that_is_not_there_or_no_text_is_one_line(tmp_path: Path) -> None:
    latin = tmp_path / "latin.html"
    latin.write_bytes(b"---\nsubject: Zo\xeb\n---\n<p>")

    with pytest.raises(NotFound, match=r"^[^\n]*missing\.html: cannot be read"):
        parse_template(tmp_path / "missing.html")
    with pytest.raises(Invalid, match=r"^latin\.html:2: is not UTF-8"):
        parse_template(latin)


def test_a_file_of_any_editor_is_read(tmp_path: Path) -> None:
    path = tmp_path / "windows.html"
    path.write_bytes(
        "\ufeff---\r\nsubject: Zoë\r\ntext: |\r\n  a\r\n  b\r\n---\r\n<p>1</p>\r\n".encode()
    )

    found = parse_template(path)

    assert (found.subject, found.text, found.html) == ("Zoë", "a\nb\n", "<p>1</p>\n")


def test_the_shipped_template_is_right() -> None:
    path = Path(__file__).parents[2] / "examples" / "welcome.html"

    lint(parse_template(path), {"firstName", "last_name", "company", "city"})
