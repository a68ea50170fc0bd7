"""Outcomes on their way into the log: gathered per slice, kept until every copy acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

import structlog

from adapters.kafka_log import Draft, LogUnavailable, now_meta
from domain.event import Topic
from domain.indexes import Ranges, each, from_indexes
from domain.outcomes import judge
from domain.ports import EventLog, Phase, Reply
from domain.replies.ruleset import VERSION
from domain.replies.statuses import UNKNOWN_RULES
from domain.retries import again_after_5xx
from domain.sending import Outcome, OutcomesRecorded, Result
from streams.dispatching.claim import Release

FLUSH_EVERY_S = 0.2
FLUSH_SENDS = 500
APPEND_AGAIN_AFTER_S = 0.5

log = structlog.get_logger(__name__)


class Finding(NamedTuple):
    """What sends came to; equal findings share one result. `phase`: of an attempt, else empty."""

    outcome: str
    reason: str
    phase: str = ""
    code: int = 0
    enhanced: str = ""
    retry_after_s: int | None = None
    rule: str = ""

    @property
    def unknown(self) -> bool:
        """Whether no rule about wordings or status codes knew the reply."""
        return self.rule.startswith(UNKNOWN_RULES)

    def result(self, ranges: Ranges) -> Result:
        """As the log tells it: what does not apply is left out."""
        found = Result(outcome=self.outcome, reason=self.reason, ranges=ranges)
        if self.phase:
            found["phase"] = self.phase
        if self.code:
            found["code"] = self.code
        if self.enhanced:
            found["enhanced"] = self.enhanced
        if self.retry_after_s is not None:
            found["retry_after_s"] = self.retry_after_s
        if self.rule:
            found["rule"] = self.rule
            found["rules"] = VERSION
        return found


def finding_of(reply: Reply, provider: str) -> Finding:
    """What a reply means for its send, by its first digit."""
    judged = judge(reply, provider)
    return Finding(
        outcome=judged.outcome.value,
        reason=judged.reason.value,
        phase=reply.phase.value,
        code=reply.code,
        enhanced=judged.enhanced,
        retry_after_s=judged.retry_after_s,
        rule=judged.rule,
    )


def of_attempt(finding: Finding, n: int, message_class: str) -> Finding:
    """What it means at attempt `n`: some 5xx are no end yet, and definite all the same (I4)."""
    if finding.outcome != Outcome.REJECTED or not finding.code:
        return finding
    about = finding.reason, Phase(finding.phase), finding.rule, n, message_class
    return finding._replace(outcome=Outcome.DEFERRED.value) if again_after_5xx(*about) else finding


class Account:
    """What became of one slice's sends. Each counts once; the first finding about it stands."""

    def __init__(
        self,
        release: Release,
        outbox: Outbox,
        found: Callable[[Finding], None] = lambda _: None,
        unknown: Callable[[int, Reply, Finding], None] = lambda *_: None,
    ) -> None:
        """`found` is told what each send came to, `unknown` each reply that no rule knows."""
        self.release = release
        self._found, self._unknown = found, unknown
        self.open = set(each(release.indexes))
        self.settled = asyncio.Event()  # all findings are in the log
        self._outbox = outbox
        self._pending: dict[Finding, list[int]] = defaultdict(list)
        self._unacknowledged = 0

    def report(self, index: int, reply: Reply) -> None:
        """A lane's report (domain.ports.Report)."""
        release = self.release
        judged = finding_of(reply, release.provider)
        finding = of_attempt(judged, release.n, release.message_class)
        self.find(finding, (index,))
        if finding.unknown:
            self._unknown(index, reply, finding)

    def find(self, finding: Finding, indexes: Iterable[int]) -> None:
        """Sends came to this; those that have a finding already keep it."""
        for index in indexes:
            if index in self.open:
                self.open.remove(index)
                self._pending[finding].append(index)
                self._unacknowledged += 1
                self._outbox.note(self, last=not self.open)
                self._found(finding)

    def cut(self) -> Draft | None:
        """A record of what is pending; None when nothing is."""
        if not self._pending:
            return None
        results = [
            finding.result(from_indexes(indexes)) for finding, indexes in self._pending.items()
        ]
        self._pending.clear()
        release = self.release
        event = OutcomesRecorded(
            release_id=release.release_id,
            batch_id=release.batch_id,
            tenant_id=release.tenant_id,
            campaign_id=release.campaign_id,
            n=release.n,
            ip=release.ip,
            provider=release.provider,
            source="owner",
            results=results,
            domain_id=release.domain_id,
        )
        return Draft(Topic.ATTEMPTS, event, now_meta(release.tenant_id), subject=release.batch_id)

    def acknowledged(self, draft: Draft) -> None:
        """The log has these."""
        assert isinstance(draft.event, OutcomesRecorded)  # noqa: S101 - made by `cut`
        told = draft.event.results
        self._unacknowledged -= sum(1 for result in told for _ in each(result["ranges"]))
        if not self.open and not self._unacknowledged:
            self.settled.set()


class Outbox:
    """Writes accounts' findings; a record that is not acknowledged is written again, same id."""

    def __init__(self, event_log: EventLog) -> None:
        self._log = event_log
        self._waiting: dict[str, Account] = {}
        self._sends = 0
        self._wake = asyncio.Event()

    def note(self, account: Account, *, last: bool) -> None:
        """An account has one finding more; `last`: it has them all."""
        self._waiting[account.release.release_id] = account
        self._sends += 1
        if last or self._sends >= FLUSH_SENDS:
            self._wake.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_EVERY_S):
                    await self._wake.wait()
            await self._flush()

    async def _flush(self) -> None:
        self._wake.clear()
        accounts, self._waiting, self._sends = list(self._waiting.values()), {}, 0
        cut = [(account, draft) for account in accounts if (draft := account.cut())]
        if not cut:
            return
        await self._append([draft for _, draft in cut])
        for account, draft in cut:
            account.acknowledged(draft)

    async def _append(self, drafts: list[Draft]) -> None:
        while True:
            try:
                return await self._log.append(drafts)
            except LogUnavailable as error:
                log.warning("outcomes_wait", records=len(drafts), error=str(error))
                await asyncio.sleep(APPEND_AGAIN_AFTER_S)
