"""The dispatcher keeps what no rule knows where `penguin rules unknown` finds it."""

from __future__ import annotations

import json

import psycopg
import pytest

from adapters import postgres
from domain.ports import Phase, Reply
from ops import unknown_replies
from ops.cli import main
from streams.dispatching.outcomes import finding_of
from streams.dispatching.unknown_replies import UnknownReplies

STRANGE = Reply(Phase.DOT, 554, "the pigeon of <ada@example.org> sleeps")
STRANGER = Reply(Phase.RCPT, 452, "come on, Ada")


def note(kept: UnknownReplies, reply: Reply, times: int) -> None:
    for _ in range(times):
        kept.note(finding_of(reply, "other"), reply, "other", ["ada@example.org"])


async def test_counts_add_up_over_flushes_and_processes_most_frequent_first(dsn: str) -> None:
    first, second = UnknownReplies(), UnknownReplies()
    note(first, STRANGE, 2)
    note(first, STRANGER, 1)
    note(second, STRANGE, 3)

    async with postgres.pool(dsn, "pm_dispatcher") as pool:
        for kept in (first, second, second):
            await kept.flush(pool)

    found = unknown_replies.asked(dsn, 10)
    assert [(one["seen"], one["code"], one["example"]) for one in found] == [
        (5, 554, "the pigeon of @ sleeps"),
        (1, 452, "come on, ~"),
    ]
    assert unknown_replies.asked(dsn, 1) == found[:1]


async def test_what_could_not_be_written_is_written_later(dsn: str) -> None:
    kept = UnknownReplies()
    note(kept, STRANGE, 2)

    async with postgres.pool(dsn, "pm_release") as pool:  # may not write here
        await kept.flush(pool)
    async with postgres.pool(dsn, "pm_dispatcher") as pool:
        await kept.flush(pool)

    assert [one["seen"] for one in unknown_replies.asked(dsn, 10)] == [2]


def test_the_command_lists_them(
    dsn: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "INSERT INTO pipeline.unknown_reply"
            " VALUES ('other', 'dot', 554, 'pigeon', '', 'UNKNOWN', 'unknown', 2, 7)"
        )
    monkeypatch.setenv("PM_DATABASE_URL", dsn)
    monkeypatch.setenv("PM_KAFKA_BOOTSTRAP", "127.0.0.1:9")
    monkeypatch.setenv("PM_ID_KEY", "k" * 32)

    with pytest.raises(SystemExit) as ended:
        main(["rules", "unknown", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert [(one["seen"], one["example"], one["class"]) for one in told["replies"]] == [
        (7, "pigeon", "UNKNOWN")
    ]
