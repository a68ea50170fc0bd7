"""Microsoft SNDS: its CSV by key and day, against a stand-in that enforces the contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest

from adapters.feeds.snds import SndsFeed
from adapters.feeds.unset import UnsetFeed
from domain.reputation.ports import FeedAnswer, FeedRefused, FeedUnavailable, SpamShare
from tests.feeds_kit import Snds, served, snds_line

DAY, NEXT = date(2026, 3, 31), date(2026, 4, 1)
KEY = "6b66979a-418f-bd6d-d6dc-1616e9a532e7"
OURS = ("192.0.2.1", "192.0.2.2")


@dataclass
class Asked:
    """The stand-in, and the feed that asks it."""

    snds: Snds
    url: str

    def read(self, since: date = DAY, until: date = DAY, key: str = KEY) -> FeedAnswer:
        return SndsFeed(key, self.url).read(OURS, since, until)


@pytest.fixture
def asked() -> Iterator[Asked]:
    lines = [
        snds_line("192.0.2.1", recipients=1000, verdict="YELLOW", rate="0.3%", traps=2),
        snds_line("198.51.100.7", recipients=1000, verdict="RED", rate="9.9%"),
        "",
    ]
    snds = Snds(KEY, {DAY: lines})
    with served(snds) as url:
        yield Asked(snds, f"{url}/snds/data.aspx")


def share(share_ppm: int, messages: int, traps: int, verdict: str, ip: str = OURS[0]) -> SpamShare:
    return SpamShare(ip, "outlook", DAY, share_ppm, messages, traps, verdict)


def test_a_day_of_ours_is_told_and_nobody_elses(asked: Asked) -> None:
    assert asked.read() == FeedAnswer((share(3000, 1000, 2, "yellow"),))
    assert asked.snds.asked[0].query == {"key": KEY, "date": "033126"}


def test_nothing_of_people_is_kept(asked: Asked) -> None:
    assert "jane" not in repr(asked.read())


def test_several_rows_of_a_day_are_one(asked: Asked) -> None:
    asked.snds.days[DAY] += [
        snds_line("192.0.2.1", recipients=3000, verdict="GREEN", rate="< 0.1%", traps=1)
    ]
    assert asked.read().shares == (share((3000 + 3 * 500) // 4, 4000, 3, "yellow"),)


@pytest.mark.parametrize(
    ("rate", "share_ppm"), [("< 0.1%", 500), ("<0.1%", 500), ("0.1%", 1000), ("12.5 %", 125_000)]
)
def test_rates_are_read_as_they_are_written(asked: Asked, rate: str, share_ppm: int) -> None:
    asked.snds.days[DAY] = [snds_line("192.0.2.2", recipients=500, verdict="GREEN", rate=rate)]
    assert asked.read().shares == (share(share_ppm, 500, 0, "green", OURS[1]),)


def test_lines_that_are_none_are_passed_over(asked: Asked) -> None:
    whole = snds_line("192.0.2.1", recipients=7, verdict="GREEN", rate="0.1%")
    broken = [whole.replace("192.0.2.1", "x"), whole.replace("GREEN", "?"), "a,b", "192.0.2.1"]
    asked.snds.days[DAY] = [*broken, whole.replace("0.1%", "many"), whole]
    assert asked.read().shares == (share(1000, 7, 0, "green"),)


def test_a_day_without_data_is_no_problem_while_others_have_some(asked: Asked) -> None:
    answer = asked.read(DAY, NEXT)
    assert len(answer.shares) == 1
    assert answer.problems == ()


def test_no_data_at_all_may_be_an_expired_key(asked: Asked) -> None:
    asked.snds.expired = True
    (problem,) = asked.read(DAY, NEXT).problems
    assert "no data from 2026-03-31 to 2026-04-01, or the key has expired" in problem
    assert "PM_SNDS_KEY" in problem


def test_a_wrong_key_is_refused_with_its_cure_and_not_shown(asked: Asked) -> None:
    with pytest.raises(FeedRefused, match="make a new key") as refused:
        asked.read(key="wr0ng")
    assert "wr0ng" not in str(refused.value)


def test_a_page_instead_of_data_is_refused(asked: Asked) -> None:
    asked.snds.page = b"<!DOCTYPE html><p>Sign in</p>"
    with pytest.raises(FeedRefused, match="a page instead of data"):
        asked.read()


def test_a_key_is_not_carried_to_another_place(asked: Asked) -> None:
    asked.snds.moved = True
    with pytest.raises(FeedRefused, match="302"):
        asked.read()
    assert len(asked.snds.asked) == 1


def test_a_fault_of_theirs_is_asked_again_later(asked: Asked) -> None:
    asked.snds.limited = 1
    with pytest.raises(FeedUnavailable, match="503") as away:
        asked.read()
    assert away.value.after_s > 0
    assert KEY not in str(away.value)
    assert asked.read().shares


def test_nobody_there_is_asked_again_later_and_the_key_is_not_told() -> None:
    with pytest.raises(FeedUnavailable) as away:
        SndsFeed(KEY, "http://127.0.0.1:9/snds/data.aspx").read(OURS, DAY, DAY)
    assert KEY not in str(away.value)


def test_a_feed_that_is_not_set_up_tells_nothing() -> None:
    feed = UnsetFeed("snds", "ip", "PM_SNDS_KEY")
    assert feed.read(OURS, DAY, DAY) == FeedAnswer()
    assert not feed.configured
