"""5xx that say something of us, or of an hour: tried again so often, and never held against one."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.outcome_rules import OutcomeClass
from domain.outcomes import suppresses
from domain.ports import Phase, Reply
from domain.retries import AGAIN_AFTER_5XX, DEADLINES_S, again_after_5xx, retry_delay
from ops.classifying import answer
from streams.dispatching.outcomes import finding_of, of_attempt
from tests.unit.test_documented_replies import documented

BLOCK = Reply(Phase.RCPT, 550, "5.7.1 Service unavailable, client host blocked by policy")
#: Reply → its class, and the attempts of bulk mail at which it is a deferral still.
REPLIES = [
    (BLOCK, "REPUTATION_BLOCK", 3),
    (Reply(Phase.MAIL, 550, "5.7.1 messages from [192.0.2.1] weren't sent (S3150)"), None, 3),
    (Reply(Phase.DOT, 550, "5.7.26 This mail is unauthenticated"), "AUTH_FAIL", 3),
    (Reply(Phase.RCPT, 550, "5.2.121 message receive limit exceeded"), "RECIPIENT_RATE", 9),
    (Reply(Phase.DOT, 554, "pigeons, no mail"), "UNKNOWN", 1),
    (Reply(Phase.DATA, 554, "pigeons, no mail"), "UNKNOWN", 1),
    (Reply(Phase.RCPT, 554, "pigeons, no mail"), "UNKNOWN", 0),
    (Reply(Phase.MAIL, 553, "5.7.2 [TSS09] All messages from here are deferred"), None, 0),
    (Reply(Phase.RCPT, 550, "5.1.1 User unknown"), "INVALID_RECIPIENT", 0),
    (Reply(Phase.RCPT, 552, "5.2.2 mailbox full"), "MAILBOX_FULL", 0),
    (Reply(Phase.DOT, 554, "5.6.0 Message content rejected"), "CONTENT", 0),
    (Reply(Phase.RCPT, 554, "5.7.1 Relay access denied"), "ROUTING", 0),
]


@pytest.mark.parametrize(("reply", "reason", "deferrals"), REPLIES)
def test_a_5xx_gets_the_attempts_of_its_class_and_then_ends_its_send(
    reply: Reply, reason: str | None, deferrals: int
) -> None:
    judged = finding_of(reply, "other")
    found = [of_attempt(judged, n, "bulk") for n in range(1, 20)]

    assert [one.outcome for one in found] == (
        ["deferred"] * deferrals + ["rejected"] * (19 - deferrals)
    )
    assert {one.reason for one in found} == {reason or "REPUTATION_BLOCK"}
    assert {(one.code, one.phase) for one in found} == {(reply.code, reply.phase)}


def test_records_are_waited_for_as_long_as_a_day() -> None:
    tries = AGAIN_AFTER_5XX[OutcomeClass.AUTH_FAIL]
    waits = [retry_delay("AUTH_FAIL", n, "bulk", None, 0).seconds for n in range(1, tries + 1)]

    assert sum(waits) == 24 * 3600


@given(
    st.sampled_from(list(OutcomeClass)),
    st.none() | st.sampled_from(list(Phase)),
    st.integers(1, 200),
    st.sampled_from(sorted(DEADLINES_S)),
)
def test_i12_what_is_tried_again_after_a_5xx_suppresses_nobody_and_comes_to_an_end(
    reason: OutcomeClass, phase: Phase | None, n: int, message_class: str
) -> None:
    again = again_after_5xx(reason, phase, "", n, message_class)

    assert not (again and suppresses(reason))
    assert not again_after_5xx(reason, phase, "", n + 16, message_class)
    assert again >= again_after_5xx(reason, phase, "", n + 1, message_class)


def test_classify_tells_of_each_documented_reply_what_the_dispatcher_does() -> None:
    """Whether it is tried again, and after how long, at the first attempt of bulk mail."""
    seen = {"final": 0, "again": 0}
    for one in documented():
        reply = one.reply
        phase = {Phase.BANNER: "connect", Phase.TLS: "ehlo"}.get(reply.phase, reply.phase.value)
        told = answer(orjson.dumps({"reply": f"{reply.code} {reply.text}", "phase": phase}), set())
        if reply.phase in {Phase.BANNER, Phase.TLS} or told["class"] == "ACCEPTED":
            continue
        finding = of_attempt(finding_of(reply, ""), 1, "bulk")
        wait = None
        if finding.outcome == "deferred":
            wait = int(retry_delay(finding.reason, 1, "bulk", finding.retry_after_s, 0).seconds)
            seen["again"] += reply.code >= 500
        assert told["retry_after_s"] == wait, reply
        seen["final"] += wait is None
    assert min(seen.values()) > 20, seen
