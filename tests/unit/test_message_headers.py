"""Addresses that mail takes, names and subjects that read back as they were written."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest

from adapters.message import headers
from domain.refusals import Invalid


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada.B+tag@Example.ORG", "Ada.B+tag@example.org"),
        ("o'neil_{x}@example.org", "o'neil_{x}@example.org"),
        ("ada@münchen.example", "ada@xn--mnchen-3ya.example"),
        ("ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
        ("ada@a-b.c1.example.org", "ada@a-b.c1.example.org"),
    ],
)
def test_addresses_are_taken_with_their_domain_as_a_labels(given: str, taken: str) -> None:
    assert headers.address_of(given) == taken


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@localhost",
        "ada@-x.example",
        "ada@x-.example",
        "ada@x..example",
        "ada@[127.0.0.1]",
        "ada @example.org",
        " ada@example.org",
        "ada@example.org ",
        "ada@example.org\n",
        "ada@example.org\r\nBcc: evil@x.example",
        "ada\r\nRCPT TO:<evil@x.example>@example.org",
        "ada>@example.org",
        "ada@example.org> SIZE=1",
        "ada\x00@example.org",
        "ada@exam\x00ple.org",
        "a..b@example.org",
        ".a@example.org",
        "a.@example.org",
        '"a b"@example.org',
        "a@b@example.org",
        "a,b@example.org",
        "=?utf-8?q?=0D=0ABcc=3A?=@example.org",
        "a" * 65 + "@example.org",
        "a@" + "b" * 64 + ".example",
        "a@" + "b.c" * 90 + ".example",
        "ada@exam\u2028ple.org",
        "ada@\ud800.example",
    ],
)
def test_other_addresses_are_refused(given: str) -> None:
    with pytest.raises(Invalid) as refused:
        headers.address_of(given)

    assert "\n" not in str(refused.value)


def test_non_ascii_local_parts_are_refused_with_their_reason() -> None:
    with pytest.raises(Invalid, match="SMTPUTF8"):
        headers.address_of("zoë@example.org")


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "Zoë, Ünal & 한국어",
        "👩‍👩‍👧‍👦 " * 40,
        "many words " * 50 + "end",
        "one" * 200,
        "ends with blank ",
        'a: b; c="d" <e@f.g>',
    ],
)
def test_a_subject_reads_back_as_it_was_written(text: str) -> None:
    found = headers.subject(text)

    lines = found.wire.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert not [line for line in lines[1:-1] if not line.strip()]
    read = message_from_bytes(found.wire + b"\r\n", policy=policy.default)
    assert read["Subject"] == " ".join(text.split())[: headers.SUBJECT_CHARS_MAX].strip()
    assert found.canonical == b"subject:" + found.wire.replace(b"\r\n ", b" ")[9:]


def test_a_subject_that_looks_encoded_stays_text() -> None:
    found = headers.subject("=?utf-8?q?hello=0D=0ABcc=3A_evil=40x.com?=")

    read = message_from_bytes(found.wire + b"\r\n", policy=policy.default)
    assert read["Subject"] == "= ?utf-8?q?hello=0D=0ABcc=3A_evil=40x.com?="
    assert read.keys() == ["Subject"]


@pytest.mark.parametrize("name", ["Ada", 'Ada "Q" \\ Byron', "Zoë", "x" * 150, "a, b <c@d.e>", ""])
def test_a_sender_reads_back_as_name_and_address(name: str) -> None:
    found = headers.sender(name, "news@example.com")

    read = message_from_bytes(found.wire + b"\r\n")  # policy.default puts blanks between words
    ((shown, address),) = getaddresses([read["From"]])
    assert str(make_header(decode_header(shown))) == name
    assert address == "news@example.com"


def test_a_senders_name_has_bounds() -> None:
    with pytest.raises(Invalid, match="longer than 200"):
        headers.sender("x" * 201, "news@example.com")
