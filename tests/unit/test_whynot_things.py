"""What a send and a sending IP tell of themselves, over rows made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from projections.whynot import why
from projections.whynot.rows import Ip, Wait
from tests.whynot_kit import LATER, NOW, look

SEND: dict[str, Any] = {
    "send_id": "snd_a", "campaign_id": "cmp_a", "contact_id": "cnt_a", "provider": "gmail",
    "state": "waiting", "n": 1, "ip": "ip_a", "reason": "", "code": 0, "enhanced": "",
    "ended_at": None, "batch_id": "bat_a", "idx": 0, "parked": "", "zone": "", "fact": {},
}  # fmt: skip
SUPPRESSED = {"scope": "tenant", "target": "", "reason": "hard_bounce", "since": NOW}


@pytest.mark.parametrize(
    ("state", "reason", "limit", "rule"),
    [
        ("accepted", "ACCEPTED", "ended", "ACCEPTED"),
        ("rejected", "INVALID_RECIPIENT", "ended", "INVALID_RECIPIENT"),
        ("expired", "not sent in time", "ended", "not sent in time"),
        ("cancelled", "", "ended", "cancelled"),
        ("suppressed", "workspace:unsubscribed", "suppression", "workspace:unsubscribed"),
        ("ambiguous", "", "ambiguous", "AMBIGUOUS"),
    ],
)
def test_a_send_that_has_its_end_tells_how_and_by_which_rule(
    state: str, reason: str, limit: str, rule: str
) -> None:
    answer = why.send_answer(look(waits=[]), SEND | {"state": state, "reason": reason}, [])

    assert answer.binding is not None
    assert (answer.state, answer.sending) == (state, False)
    assert (answer.binding.limit, answer.binding.rule) == (limit, rule)
    assert answer.binding.evidence["outcome"] == state


def test_a_waiting_send_whose_contact_is_suppressed_will_end_so() -> None:
    answer = why.send_answer(look(), SEND, [SUPPRESSED])

    assert answer.binding is not None
    assert (answer.binding.limit, answer.binding.scope, answer.binding.rule) == (
        *("suppression", "tenant", "hard_bounce"),
    )


def test_a_deferred_send_tells_class_and_moment_of_its_next_attempt() -> None:
    reason = {"reason": "GREYLIST", "n": 2, "code": 450}
    wait = Wait("cmp_a", "gmail", later=1, next_due_at=LATER, n=2, send_id="snd_a", why=reason)

    answer = why.send_answer(look(wait=wait), SEND | {"state": "deferred"}, [])

    assert answer.binding is not None
    assert (answer.binding.limit, answer.binding.rule, answer.binding.lifts_at) == (
        *("retry", "GREYLIST", LATER),
    )
    assert (answer.binding.scope, answer.binding.scope_id) == ("send", "snd_a")
    assert answer.binding.evidence["code"] == 450


def test_a_send_that_waits_for_its_contacts_sake_says_so() -> None:
    wait = Wait("cmp_a", "gmail", later=1, next_due_at=LATER, why={"reason": "fatigue", "n": 2})
    snap = look(wait=wait, campaign={"fatigue_per_day": 2, "fatigue_gap_h": 4})

    found = why.send_answer(snap, SEND | {"state": "deferred"}, []).binding

    assert found is not None
    assert (found.limit, found.scope, found.scope_id) == ("fatigue", "tenant", "ten_a")
    assert (found.evidence["per_day"], found.evidence["gap_h"]) == (2, 4)
    assert found.lifts_at == LATER


def test_an_ip_without_mail_says_so_and_one_that_is_out_says_that_first() -> None:
    idle = why.ip_answer(look(waits=[], campaigns={}), "ip_a")
    held = why.ip_answer(look(campaign={"state": "paused"}), "ip_a")
    out = why.ip_answer(look(ips=[Ip("ip_a", "quarantined")]), "ip_a")
    suspended = why.ip_answer(look(campaign={"may_send": False}), "ip_a")

    found = [
        one.binding and (one.binding.limit, one.binding.rule)
        for one in (idle, held, out, suspended)
    ]
    assert found == [
        ("demand", "nothing_waits"),
        ("demand", "campaigns_held"),
        ("ips", "quarantined"),
        ("tenant", "suspended"),
    ]
    assert out.state == "quarantined"
