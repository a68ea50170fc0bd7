"""`penguin classify`: one answer per line, whatever the line."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from ops.classifying import answers
from ops.cli import main

FIELDS = ["class", "hard", "suppress", "retry_after_s", "rule", "source"]


def answer(**asked: Any) -> dict[str, Any]:
    ((told, _),) = answers([json.dumps(asked).encode()], set())
    found: dict[str, Any] = json.loads(told)
    return found


def test_an_answer_has_these_fields_in_this_order() -> None:
    found = answer(reply="550 5.1.1 User unknown", phase="rcpt", provider="x", host="mx.example.")

    assert list(found) == FIELDS
    assert found["class"] == "INVALID_RECIPIENT"
    assert (found["hard"], found["suppress"], found["retry_after_s"]) == (True, True, None)
    assert found["rule"] == "mailbox.unknown"
    assert "Postfix" in found["source"]


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 The account that you tried to reach does not exist",
        "550-5.1.1 The account that you\n550 5.1.1 tried to reach does not exist",
        "550-5.1.1 The account that you\r\n550-5.1.1 tried to reach does\r\n550 5.1.1 not exist",
        "smtp; 550 5.1.1 The account that you tried to reach does not exist",
        "5.1.1 The account that you tried to reach does not exist",
        "The account that you tried to reach does not exist",
        "  550 THE ACCOUNT THAT YOU TRIED TO REACH DOES NOT EXIST  ",
        "host mx.example[192.0.2.1] said: 550 5.1.1 account does not exist (in reply to RCPT TO)",
    ],
)
def test_a_reply_means_the_same_however_it_is_written(reply: str) -> None:
    found = answer(reply=reply)

    assert (found["class"], found["hard"]) == ("INVALID_RECIPIENT", True)


@pytest.mark.parametrize(
    ("asked", "reason", "hard", "wait"),
    [
        ({"reply": "450 4.2.0 Greylisted, try again in 10 minutes"}, "GREYLIST", False, 600),
        ({"reply": "450 4.2.1 user is receiving mail too quickly"}, "RECIPIENT_RATE", False, 3600),
        ({"reply": "452 4.2.2 mailbox full"}, "MAILBOX_FULL", False, 7200),
        ({"reply": "421 4.7.0 [TSS04] deferred"}, "REPUTATION_DEFER", False, 900),
        ({"reply": "450 4.1.1 User unknown", "phase": "rcpt"}, "INVALID_RECIPIENT", False, 900),
        ({"reply": "550 5.1.1 User unknown", "phase": "mail"}, "AUTH_FAIL", False, 3600),
        ({"reply": "550 5.1.2 Host unknown", "phase": "connect"}, "REPUTATION_BLOCK", False, 900),
        ({"reply": "550 5.2.121 message receive limit exceeded"}, "RECIPIENT_RATE", False, 3600),
        ({"reply": "553 5.7.2 [TSS09] All messages deferred"}, "REPUTATION_BLOCK", False, None),
        ({"reply": "554 pigeons, no mail", "phase": "dot"}, "UNKNOWN", False, 900),
        ({"reply": "554 pigeons, no mail", "phase": "rcpt"}, "UNKNOWN", False, None),
        ({"reply": "552 5.2.2 mailbox full", "phase": "rcpt"}, "MAILBOX_FULL", False, None),
        ({"reply": "535 5.7.8 bad credentials", "phase": "auth"}, "ROUTING", False, 900),
        ({"reply": "554 Ungültige Empfängeradresse"}, "INVALID_RECIPIENT", True, None),
        ({"reply": "550 用户不存在"}, "INVALID_RECIPIENT", True, None),
        ({"reply": "550 \U0001f427 " + "x" * 100_000}, "UNKNOWN", False, None),
        ({"reply": "250 2.0.0 OK", "phase": "dot"}, "ACCEPTED", False, None),
        ({"reply": "", "phase": "dot"}, "AMBIGUOUS", False, None),
        ({"reply": " ", "phase": "rcpt"}, "INFRA", False, 900),
        ({"reply": "temporarily out of pigeons"}, "INFRA", False, 900),
    ],
)
def test_class_hardness_and_wait(
    asked: dict[str, str],
    reason: str,
    hard: bool,  # noqa: FBT001 - a parameter of the table
    wait: int | None,
) -> None:
    found = answer(**asked)

    assert found["class"] == reason
    assert (found["hard"], found["suppress"], found["retry_after_s"]) == (hard, hard, wait)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "the line is empty"),
        ("550 User unknown", "not JSON"),
        ('{"reply": "550 x"', "not JSON"),
        ('["550 x"]', "not a JSON object"),
        ("{}", "reply: it is missing"),
        ('{"reply": null}', "reply: it must be a string"),
        ('{"reply": 550}', "reply: it must be a string"),
        ('{"reply": "550 x", "phase": "quit"}', "phase: 'quit' is unknown; there are connect"),
        ('{"reply": "550 x", "phase": 7}', "phase: it must be a string"),
        ('{"reply": "550 \\ud800"}', "not JSON"),
    ],
)
def test_a_bad_line_is_told_by_number_and_cause_and_the_others_go_on(line: str, told: str) -> None:
    good = b'{"reply": "550 5.1.1 User unknown", "phase": null}'

    first, bad, last = (
        json.loads(found) for found, _ in answers([good, line.encode(), good], set())
    )

    assert list(bad) == ["line", "error"]
    assert bad["line"] == 2
    assert told in bad["error"]
    assert first == last
    assert first["hard"]


def test_fields_of_others_are_passed_over_and_named() -> None:
    passed_over: set[str] = set()
    lines = [b'{"reply": "550 5.1.1 User unknown", "id": 7, "label": ["x"]}']

    ((told, good),) = answers(lines, passed_over)

    assert good
    assert json.loads(told)["hard"]
    assert passed_over == {"id", "label"}


@pytest.mark.parametrize(
    ("given", "code", "lines"),
    [
        (b"", 0, 0),
        (b'{"reply": "550 User unknown"}\n{"reply": "450 later"}', 0, 2),
        (b'{"reply": "550 User unknown"}\n\n\xff\n', 2, 3),
    ],
)
def test_the_command_answers_every_line_and_its_exit_code_tells_of_bad_ones(
    given: bytes,
    code: int,
    lines: int,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))

    with pytest.raises(SystemExit) as ended:
        main(["classify"])

    out, err = capfdbinary.readouterr()
    assert ended.value.code == code
    assert len(out.splitlines()) == lines
    assert (b"bad lines" in err) == (code == 2)
