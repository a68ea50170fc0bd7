"""Brings one claimed slice to its end: every send of it gets exactly one finding.

Order is what holds I5: SliceStarted acknowledged, then dots are allowed, then lanes work; at the
deadline dots are forbidden first, and only then is the rest concluded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from adapters.kafka_log import Draft, LogUnavailable, now_meta
from domain import fatigue
from domain.event import Topic
from domain.ids import deriver
from domain.indexes import each, from_indexes
from domain.outcome_rules import OutcomeClass
from domain.ports import (
    Addressee,
    Consignment,
    EventLog,
    Lanes,
    Message,
    NextHop,
    NotRendered,
    Phase,
    Reply,
    Resolver,
)
from domain.refusals import Refused
from domain.retries import SECOND_LOOK_S
from domain.sending import Outcome, SliceStarted
from streams.dispatching.claim import Recipient, Slice
from streams.dispatching.claim_fatigue import Delay
from streams.dispatching.dots import Dots
from streams.dispatching.outcomes import Account, Finding, Outbox
from streams.dispatching.parts import Part, parts
from streams.dispatching.routes import Routed, routed
from streams.dispatching.unknown_replies import UnknownReplies

STARTED_TIMEOUT_S = 5.0
#: Lanes report what they hold by the deadline themselves; this is for one that does not.
DEADLINE_GRACE_S = 1.0
#: Next hops served at a time by a process: each takes a connection and a file descriptor.
DESTINATIONS_AT_ONCE = 400
#: Parts of a slice signed ahead at a time: the first leave early, and other slices get turns.
PARTS_AT_ONCE = 4
#: What share of the time to its deadline a slice waits for signatures from elsewhere.
WAIT_SHARE = 0.5

OWN_FAULT = Finding(Outcome.DEFERRED, OutcomeClass.OWN_FAULT)
UNANSWERED = Finding(Outcome.AMBIGUOUS, OutcomeClass.AMBIGUOUS, Phase.DOT)
UNROUTABLE = Finding(Outcome.REJECTED, OutcomeClass.BAD_DOMAIN)
ABSENT = Finding(Outcome.DEFERRED, OutcomeClass.BAD_DOMAIN, retry_after_s=SECOND_LOOK_S)
UNREACHABLE = Finding(Outcome.DEFERRED, OutcomeClass.INFRA)
UNRENDERABLE = Finding(Outcome.REJECTED, OutcomeClass.CONTENT)
ERASED = Finding(Outcome.CANCELLED, "erased")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Sending:
    """What bringing slices to their end takes. `started_log` waits for no other record."""

    started_log: EventLog
    outbox: Outbox
    lanes: Lanes
    resolver: Resolver
    dots: Dots
    owner: str
    id_key: str
    unknown: UnknownReplies = field(default_factory=UnknownReplies)
    destinations: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(DESTINATIONS_AT_ONCE)
    )


class SliceRun:
    """One claimed slice on its way."""

    def __init__(
        self, sending: Sending, taken: Slice, found: Callable[[Finding], None] = lambda _: None
    ) -> None:
        self._sending, self._slice = sending, taken
        self._account = Account(taken.release, sending.outbox, found, self._note_unknown)
        key = sending.id_key.encode()
        self._send_id, self._event_id = deriver(key, "snd"), deriver(key, "evt")
        self._signing = asyncio.Semaphore(PARTS_AT_ONCE)
        self._stamps: dict[int, bytes] = {}

    def _note_unknown(self, index: int, reply: Reply, finding: Finding) -> None:
        one = next((one for one in self._slice.recipients if one.index == index), None)
        fields = orjson.loads(one.fields or "{}") if one else {}
        personal = [one.address or "" if one else "", *map(str, fields.values())]
        self._sending.unknown.note(finding, reply, self._slice.release.provider, personal)

    async def bring(self, cut_short: asyncio.Event) -> None:
        """Attempt what may be attempted; return once every finding is in the log.

        `cut_short`: the process must end, conclude now.
        """
        try:
            await self._attempt(cut_short)
        except Exception:
            log.exception("slice_failed", release_id=self._slice.release.release_id)
        await self.conclude()

    async def conclude(self) -> None:
        """No dot from here on. What was not dotted is deferred, what got no reply is ambiguous."""
        release_id = self._slice.release.release_id
        self._account.find(UNANSWERED, self._sending.dots.close(release_id))
        self._account.find(OWN_FAULT, tuple(self._account.open))
        await self._account.settled.wait()
        self._sending.dots.concluded(release_id)

    async def _attempt(self, cut_short: asyncio.Event) -> None:
        if self._slice.renderer is None:
            return
        recipients = self._mailable()
        sending = self._sending
        found = await routed(sending.resolver, self._slice.release.relay, recipients)
        self._account.find(UNROUTABLE, found.nowhere)
        self._account.find(ABSENT, found.absent)
        self._account.find(UNREACHABLE, found.unreachable)
        if found.by_hops and await self._start():
            sending.dots.open(self._slice.release.release_id)
            await self._deliver(found, cut_short)

    def _mailable(self) -> list[Recipient]:
        """Recipients who may be mailed still; the others end here, without an attempt."""
        known = {recipient.index: recipient for recipient in self._slice.recipients}
        wanted: list[Recipient] = []
        for index in each(self._slice.release.indexes):
            recipient = known.get(index)
            if recipient is None:  # the vault lacks what was planned: it was restored, say
                self._account.find(OWN_FAULT, (index,))
            elif recipient.address is None:
                self._account.find(ERASED, (index,))
            elif recipient.suppressed is not None:
                reason = recipient.suppressed
                self._account.find(Finding(Outcome.SUPPRESSED, reason), (index,))
            elif recipient.put_off is not None:
                self._account.find(_finding_of(recipient.put_off), (index,))
            else:
                wanted.append(recipient)
        return wanted

    async def _start(self) -> bool:
        """Tell journal and log before the wire knows (I5). False: nothing may leave."""
        draft = self._started()
        try:
            self._sending.dots.begin(self._slice.release.release_id)
            await self._sending.started_log.append([draft], STARTED_TIMEOUT_S)
        except (LogUnavailable, OSError) as error:
            log.warning("slice_not_started", subject=draft.subject, error=str(error))
            return False
        return True

    def _started(self) -> Draft:
        release, sending = self._slice.release, self._sending
        event = SliceStarted(
            release_id=release.release_id,
            batch_id=release.batch_id,
            tenant_id=release.tenant_id,
            campaign_id=release.campaign_id,
            n=release.n,
            ip=release.ip,
            provider=release.provider,
            ranges=from_indexes(self._account.open),
            cap_day=release.cap_day,
            cap_per_day=release.cap_per_day,
            deadline_at=release.deadline_at,
            owner=sending.owner,
            journal=sending.dots.name,
            domain_id=release.domain_id,
            uses=list(release.uses),
        )
        meta = now_meta(release.tenant_id, id=self._event_id("started", release.release_id))
        return Draft(Topic.ATTEMPTS, event, meta, subject=release.batch_id)

    async def _deliver(self, found: Routed, cut_short: asyncio.Event) -> None:
        by_index = {
            recipient.index: recipient
            for recipients in found.by_hops.values()
            for recipient in recipients
        }
        render = self._renderer(by_index)
        ahead = self._slice.renderer.ahead if self._slice.renderer else 0
        work = [
            asyncio.create_task(self._deliver_part(part, render, signed_ahead=ahead > 0))
            for part in parts(found.by_hops, ahead)
        ]
        await _until_done(work, cut_short, self._slice.deadline + DEADLINE_GRACE_S)

    async def _deliver_part(
        self, part: Part, render: Callable[[int], Message], *, signed_ahead: bool
    ) -> None:
        if signed_ahead:
            self._stamps.update(await self._signed(part))
        work = [
            self._to_one(self._consignment(hops, recipients, render))
            for hops, recipients in part.items()
        ]
        _tell_failures(await asyncio.gather(*work, return_exceptions=True))

    async def _signed(self, part: Part) -> Mapping[int, bytes]:
        """Signatures made elsewhere, as many as come in time: `render` makes the others."""
        renderer = self._slice.renderer
        assert renderer is not None  # noqa: S101 - looked at before anything was started
        wait_s = WAIT_SHARE * (self._slice.deadline - time.monotonic())
        try:
            async with asyncio.timeout(wait_s), self._signing:
                recipients = [one for group in part.values() for one in group]
                return await renderer.stamps([self._addressee(one) for one in recipients])
        except Exception as error:  # noqa: BLE001 - nothing about a mail is decided here
            log.warning("not_signed_ahead", error=type(error).__name__)
            return {}

    async def _to_one(self, consignment: Consignment) -> None:
        async with self._sending.destinations:
            await self._sending.lanes.deliver(consignment, self._account.report)

    def _consignment(
        self,
        hops: tuple[NextHop, ...],
        recipients: Iterable[Recipient],
        render: Callable[[int], Message],
    ) -> Consignment:
        return Consignment(
            release_id=self._slice.release.release_id,
            source=self._slice.release.source,
            hops=hops,
            indexes=[recipient.index for recipient in recipients],
            render=render,
            deadline=self._slice.deadline,
            courtesy=self._slice.release.courtesy,
        )

    def _renderer(self, by_index: dict[int, Recipient]) -> Callable[[int], Message]:
        release, renderer = self._slice.release, self._slice.renderer
        assert renderer is not None  # noqa: S101 - looked at before anything was started

        def render(index: int) -> Message:
            try:
                to = self._addressee(by_index[index])
                stamp = self._stamps.get(index, b"")
                return renderer.render(index, to.send_id, to.address, to.fields, stamp)
            except Refused as refused:
                self._account.find(UNRENDERABLE, (index,))
                raise NotRendered(refused.code) from refused
            except Exception as error:
                log.exception("render_failed", release_id=release.release_id, index=index)
                self._account.find(OWN_FAULT, (index,))
                raise NotRendered("failed") from error

        return render

    def _addressee(self, recipient: Recipient) -> Addressee:
        release = self._slice.release
        names = (release.tenant_id, release.campaign_id, release.step)
        send_id = self._send_id(*names, recipient.contact_id)
        fields = orjson.loads(recipient.fields or "{}")
        return Addressee(recipient.index, send_id, recipient.address or "", fields)


def _finding_of(put_off: Delay) -> Finding:
    """What a send comes to whose contact had enough mail."""
    if put_off.last:
        return Finding(Outcome.SUPPRESSED, fatigue.REASON)
    return Finding(Outcome.DEFERRED, fatigue.REASON, retry_after_s=put_off.wait_s)


async def _until_done(
    work: list[asyncio.Task[None]], cut_short: asyncio.Event, deadline: float
) -> None:
    """Wait for deliveries, the deadline or the end of the process, then end what still runs."""
    everything: asyncio.Future[Any] = asyncio.gather(*work, return_exceptions=True)
    cut: asyncio.Future[Any] = asyncio.create_task(cut_short.wait())
    left_s = max(0.0, deadline - time.monotonic())
    await asyncio.wait({everything, cut}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
    cut.cancel()
    for task in work:
        task.cancel()
    _tell_failures(await everything)


def _tell_failures(results: Sequence[Any]) -> None:
    for failure in results:
        if isinstance(failure, Exception):
            log.error("lane_failed", error=repr(failure))
