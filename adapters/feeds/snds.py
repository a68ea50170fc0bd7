"""Microsoft SNDS: a day's mail from each of our IPs, as CSV by a key (automated data access).

Source: sendersupport.olc.protection.outlook.com/snds/FAQ.aspx and auto.aspx. Columns: IP, activity
start and end, RCPT and DATA commands, recipients, filter result, complaint rate, trap period start
and end, trap hits, then HELO, sender and comments, which are dropped: they may tell of people. 404
is both "no data for this day" and "this key has expired"; 400 is a malformed key.
"""

from __future__ import annotations

import csv
import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from adapters.feeds import exchange
from domain.reputation.ports import FeedAnswer, FeedRefused, SpamShare

WHO = "Microsoft SNDS"
RENEW = "make a new key at sendersupport.olc.protection.outlook.com/snds/auto.aspx (PM_SNDS_KEY)"
OK, MALFORMED, NOTHING = 200, 400, 404
IP, RECIPIENTS, VERDICT, COMPLAINTS, TRAPS, COLUMNS_MIN = 0, 5, 6, 7, 10, 11
VERDICTS = ("green", "yellow", "red")  # spam verdicts under 10 %, 10 to 90 %, above
_RATE = re.compile(r"(<?)\s*(\d+(?:\.\d+)?)\s*%")


@dataclass(frozen=True)
class _Row:
    subject: str
    recipients: int
    share_ppm: int
    traps: int
    verdict: str


class SndsFeed:
    """`domain.reputation.ports.ReputationFeed` on SNDS."""

    name = "snds"
    kind = "ip"
    configured = True

    def __init__(self, key: str, url: str) -> None:
        self._key, self._url = key, url

    def read(self, subjects: Collection[str], since: date, until: date) -> FeedAnswer:
        """One question a day. See the port."""
        days = [since + timedelta(n) for n in range((until - since).days + 1)]
        shares: list[SpamShare] = []
        silent = 0
        for day in days:
            rows = self._rows(day)
            silent += rows is None
            shares += _told(rows or (), set(subjects), day)
        if days and silent == len(days):
            problem = f"{WHO} has no data from {since} to {until}, or the key has expired: {RENEW}"
            return FeedAnswer(problems=(problem,))
        return FeedAnswer(tuple(shares))

    def _rows(self, day: date) -> list[_Row] | None:
        """A day's rows; None: there are none, as far as anyone may know."""
        query = urlencode({"key": self._key, "date": day.strftime("%m%d%y")})
        answer = exchange.ask(WHO, f"{self._url}?{query}")
        if answer.status == NOTHING:
            return None
        if answer.status == MALFORMED:
            raise FeedRefused(f"{WHO} does not know this key: {RENEW}")
        text = answer.body.decode("utf-8-sig", errors="replace")
        if answer.status != OK or answer.kind == "text/html" or text.lstrip().startswith("<"):
            raise FeedRefused(f"{WHO} answered {answer.status} and a page instead of data: {RENEW}")
        return list(_parsed(text.splitlines()))


def _parsed(lines: Iterable[str]) -> Iterator[_Row]:
    """Rows that have all that is needed; others are passed over."""
    for cells in csv.reader(lines):
        if len(cells) < COLUMNS_MIN:
            continue
        verdict = cells[VERDICT].strip().lower()
        try:
            subject = str(ipaddress.ip_address(cells[IP].strip()))
            recipients, traps = _count(cells[RECIPIENTS]), _count(cells[TRAPS])
            share_ppm = _share_ppm(cells[COMPLAINTS])
        except ValueError:
            continue
        if verdict in VERDICTS:
            yield _Row(subject, recipients, share_ppm, traps, verdict)


def _count(cell: str) -> int:
    return int(cell.strip() or 0)


def _share_ppm(cell: str) -> int:
    """A rate such as `0.3%`; of `< 0.1%` half is taken, as any of it is as likely."""
    found = _RATE.search(cell)
    if found is None:
        raise ValueError(cell)
    ppm = round(float(found[2]) * 10_000)
    return ppm // 2 if found[1] else ppm


def _told(rows: Iterable[_Row], subjects: Collection[str], day: date) -> list[SpamShare]:
    """One share for each IP of ours: a day may come in several rows."""
    by_ip: dict[str, list[_Row]] = {}
    for row in rows:
        if row.subject in subjects:
            by_ip.setdefault(row.subject, []).append(row)
    return [_sum(ip, found, day) for ip, found in sorted(by_ip.items())]


def _sum(ip: str, rows: list[_Row], day: date) -> SpamShare:
    recipients = sum(row.recipients for row in rows)
    weighed = sum(row.share_ppm * row.recipients for row in rows)
    return SpamShare(
        subject=ip,
        provider="outlook",
        day=day,
        share_ppm=weighed // recipients if recipients else max(row.share_ppm for row in rows),
        messages=recipients,
        traps=sum(row.traps for row in rows),
        verdict=max((row.verdict for row in rows), key=VERDICTS.index),
    )
