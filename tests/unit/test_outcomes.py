"""What each wording and code means: replies as servers' documentation and sources word them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.outcome_rules import OutcomeClass
from domain.outcomes import classify, judge, retry_hint_s, scrub, suppresses
from domain.ports import Phase, Reply
from domain.sending import Outcome

HARD = {OutcomeClass.INVALID_RECIPIENT, OutcomeClass.BAD_DOMAIN, OutcomeClass.INACTIVE}

ROW = re.compile(r"(\w+) (\d{3}) (.*?) +-> (.+)")
REPLIES = Path(__file__).with_name("replies.txt").read_text()
ROWS = [found.groups() for found in ROW.finditer(REPLIES)]
POLICY = [row for row in ROWS if not set(row[3].split()) & HARD]


@pytest.mark.parametrize(("phase", "code", "text", "right"), ROWS)
def test_a_documented_reply_gets_its_class(phase: str, code: str, text: str, right: str) -> None:
    assert classify(int(code), Phase(phase), text) in right.split()


@pytest.mark.parametrize(("phase", "code", "text", "right"), POLICY)
def test_i12_a_policy_or_reputation_reply_never_suppresses(
    phase: str, code: str, text: str, right: str
) -> None:
    assert not judge(Reply(Phase(phase), int(code), text)).hard


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.BANNER, Phase.EHLO, Phase.MAIL])
def test_i12_before_rcpt_no_recipient_can_be_to_blame(phase: Phase) -> None:
    assert not judge(Reply(phase, 550, "5.1.1 User unknown")).hard
    assert judge(Reply(Phase.RCPT, 550, "5.1.1 User unknown")).hard


def test_i12_only_what_is_said_about_the_address_suppresses() -> None:
    assert {reason for reason in OutcomeClass if suppresses(reason)} == HARD


@pytest.mark.parametrize(
    "text",
    [
        "5.7.1 Access to your account denied, address 192.0.2.1 unknown to us",
        "5.7.1 Your mail server's address is not known to our reputation service",
        "5.7.1 The user rejected your message by policy",
        "5.7.0 Blocked: mail from this address is not accepted here",
        "5.7.1 Sender account disabled",
        "5.7.1 Your domain is not allowed to send to this user",
        "5.7.1 The IP address does not have a valid reverse record",
        "5.7.1 Message from unknown sender address refused",
    ],
)
@pytest.mark.parametrize("phase", [Phase.BANNER, Phase.MAIL, Phase.RCPT, Phase.DOT])
def test_i12_words_about_users_in_a_policy_reply_do_not_suppress(phase: Phase, text: str) -> None:
    assert not judge(Reply(phase, 550, text)).hard


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("code", [0, 250, 354, 421, 450, 451, 452, 550, 552, 553, 554, 999])
def test_the_outcome_follows_phase_and_first_digit(phase: Phase, code: int) -> None:
    judged = judge(Reply(phase, code, "x"))

    assert judged.outcome is expected_outcome(phase, code // 100)


def expected_outcome(phase: Phase, kind: int) -> Outcome:
    """reference/reliability.md §3.4."""
    if kind == 4:
        return Outcome.DEFERRED
    if kind == 5:
        return Outcome.DEFERRED if phase in {Phase.TLS, Phase.AUTH} else Outcome.REJECTED
    if phase is Phase.DOT:
        return Outcome.ACCEPTED if kind == 2 else Outcome.AMBIGUOUS
    return Outcome.DEFERRED


def test_what_we_did_wrong_is_our_own_fault() -> None:
    for cause in ("deadline", "dot journal", "closing", "unsendable"):
        assert judge(Reply(Phase.DATA, 0, cause)).reason is OutcomeClass.OWN_FAULT
    assert judge(Reply(Phase.DATA, 0, "connection lost")).reason is OutcomeClass.INFRA
    assert judge(Reply(Phase.DOT, 0, "deadline")).outcome is Outcome.AMBIGUOUS


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("5.1.1 <someone@example.com>: unknown", "5.1.1"),
        ("[5.7.606] refused", "5.7.606"),
        ("unknown user (#5.5.0)", "5.5.0"),
        ("client 5.1.1.9 refused", ""),
        ("version 15.1.1 of 4.2.2.1", ""),
        ("4.2.2 says four, the code says five", ""),
        ("someone@example.com is not here", ""),
    ],
)
def test_i10_of_the_text_only_the_enhanced_code_enters_the_log(text: str, status: str) -> None:
    assert scrub(text, 550) == status


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Greylisted, try again in 300 seconds", 300),
        ("please retry after 5 minutes", 300),
        ("wait 1 hour", 3600),
        ("try again in 99999 hours", 24 * 3600),
        ("try again later", None),
        ("in 0 seconds", None),
    ],
)
def test_a_wait_named_in_numbers_is_kept(text: str, seconds: int | None) -> None:
    assert retry_hint_s(text) == seconds
    assert judge(Reply(Phase.RCPT, 451, text)).retry_after_s == seconds


def test_a_megabyte_of_words_is_judged_in_no_time() -> None:
    text = "user mail account message address content "

    assert classify(550, Phase.RCPT, text * 25_000) == classify(550, Phase.RCPT, text * 24)


def test_the_provider_narrows_rules_that_only_it_uses() -> None:
    reply = Reply(Phase.MAIL, 421, "4.7.0 [TSS04] Messages temporarily deferred")

    assert judge(reply, "yahoo").reason is OutcomeClass.REPUTATION_DEFER
