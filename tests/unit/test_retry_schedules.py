"""Each class's waits: those that the docs show, and those that `penguin classify` tells."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from domain.outcome_rules import OutcomeClass
from domain.outcomes import judge, retry_hint_s
from domain.ports import Phase, Reply
from domain.retries import DEADLINES_S, SCHEDULES, Schedule, delay_s, retry_delay, used_up
from domain.sending import Outcome
from ops.classifying import answer

DOCS = Path(__file__).parents[2] / "docs" / "classification.md"
OWN = {OutcomeClass.ACCEPTED, OutcomeClass.AMBIGUOUS, OutcomeClass.OWN_FAULT}
#: A deferral of each class that replies can say.
DEFERRALS = {
    "GREYLIST": Reply(Phase.RCPT, 450, "4.2.0 Greylisted, see http://x"),
    "RECIPIENT_RATE": Reply(Phase.RCPT, 450, "4.2.1 The user is receiving mail too quickly"),
    "MAILBOX_FULL": Reply(Phase.RCPT, 452, "4.2.2 mailbox full"),
    "AUTH_FAIL": Reply(Phase.DOT, 421, "4.7.30 DKIM does not pass"),
    "REPUTATION_DEFER": Reply(Phase.MAIL, 421, "4.7.0 [TSS04] temporarily deferred"),
    "INFRA": Reply(Phase.BANNER, 421, "4.3.2 Service not available"),
    "INVALID_RECIPIENT": Reply(Phase.RCPT, 450, "4.1.1 User unknown in virtual mailbox table"),
    "INACTIVE": Reply(Phase.RCPT, 450, "4.2.1 mailbox disabled"),
    "BAD_DOMAIN": Reply(Phase.RCPT, 450, "4.1.2 Recipient domain does not exist"),
    "CONTENT": Reply(Phase.DOT, 451, "4.7.0 spam detected"),
    "TOO_BIG": Reply(Phase.DOT, 452, "4.3.4 message size exceeds fixed limit"),
    "ROUTING": Reply(Phase.RCPT, 454, "4.7.1 Relay access denied"),
    "PROTOCOL": Reply(Phase.RCPT, 452, "4.5.3 Too many recipients"),
}


def told(seconds: float) -> str:
    return f"{seconds / 60:g} m" if seconds < 3600 else f"{seconds / 3600:g} h"


def row(name: str, schedule: Schedule) -> str:
    waits = [", ".join(map(told, steps)) for steps in (schedule.bulk, schedule.transactional)]
    return f"| {name} | {waits[0]} | {waits[1]} | {schedule.source} |"


def test_the_docs_show_each_schedule_as_it_is() -> None:
    general = SCHEDULES[OutcomeClass.INFRA]
    rows = {
        row("every other" if one is general else reason, one) for reason, one in SCHEDULES.items()
    }

    assert len(rows) == 6
    assert [one for one in rows if one not in DOCS.read_text()] == []


@pytest.mark.parametrize("reason", [one for one in OutcomeClass if one not in OWN])
def test_a_class_has_a_schedule_that_rises_and_a_source(reason: OutcomeClass) -> None:
    one = SCHEDULES[reason]

    assert one.source
    for steps in (one.bulk, one.transactional):
        assert list(steps) == sorted(steps)
        assert steps[0] >= 60


@pytest.mark.parametrize(("name", "reply"), DEFERRALS.items())
def test_a_deferral_waits_as_its_class_says_and_suppresses_nobody(name: str, reply: Reply) -> None:
    judged = judge(reply)

    assert (judged.outcome, judged.reason, judged.hard) == (Outcome.DEFERRED, name, False)
    waits = [delay_s(judged.reason, n, "bulk", None, 0) for n in (1, 2)]
    assert waits == list(SCHEDULES[OutcomeClass(name)].bulk[:2])


@pytest.mark.parametrize(("name", "reply"), DEFERRALS.items())
def test_classify_tells_the_wait_before_the_second_attempt(name: str, reply: Reply) -> None:
    phase = "connect" if reply.phase is Phase.BANNER else reply.phase.value
    line = orjson.dumps({"reply": f"{reply.code} {reply.text}", "phase": phase})
    found = answer(line, set())

    assert (found["class"], found["hard"], found["suppress"]) == (name, False, False)
    assert found["retry_after_s"] == delay_s(name, 1, "bulk", retry_hint_s(reply.text), 0)


@pytest.mark.parametrize("message_class", sorted(DEADLINES_S))
def test_records_that_are_missing_are_waited_for_by_days(message_class: str) -> None:
    waits = [delay_s("AUTH_FAIL", n, message_class, None, 0) for n in (1, 2, 3, 4)]

    assert [wait / 3600 for wait in waits] == [1, 6, 17, 24]


def test_a_sender_without_records_is_attempted_until_the_deadline() -> None:
    last = {"bulk": 7, "transactional": 5}

    for message_class, n in last.items():
        assert not used_up("AUTH_FAIL", n - 1, message_class)
        assert used_up("AUTH_FAIL", n, message_class)


@pytest.mark.parametrize("reason", list(SCHEDULES))
def test_a_5xx_of_any_class_is_judged_final(reason: OutcomeClass) -> None:
    """The first digit decides; only what is said to TLS and AUTH does not end a send.

    Which get further attempts all the same: test_again_after_5xx.py.
    """
    reply = DEFERRALS.get(reason, Reply(Phase.DOT, 451, "4.0.0 words"))
    text = reply.text.replace("4.", "5.", 1)
    judged = judge(Reply(reply.phase, 500 + reply.code % 100, text))

    assert judged.outcome is Outcome.REJECTED


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Greylisting in action, please come back in 00:04:59", 299),
        ("come back in 12:00:00", 43_200),
        ("try again in 300 seconds", 300),
        ("Greylisted for 5 minutes", 300),
        ("wait 2 hours", 7_200),
        ("come back in 00:00:00", None),
        ("at 10:30:00 it was", None),
    ],
)
def test_a_wait_is_read_from_the_reply(text: str, seconds: int | None) -> None:
    assert retry_hint_s(text) == seconds


def test_what_a_reply_asks_for_only_lengthens_the_wait() -> None:
    short, long = (retry_delay("GREYLIST", 1, "bulk", hint, 0).seconds for hint in (60, 3_000))

    assert (short, long) == (300, 3_000)
