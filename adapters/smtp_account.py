"""`domain.ports.Lanes` over aiosmtplib: for the low volume of SMTP accounts that tenants supply.

One connection per consignment, one message after the other, no pipelining. The text is written by
us, so that the deadline and the journal stand between the go-ahead and the final dot.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from aiosmtplib import (
    SMTP,
    SMTPConnectResponseError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from adapters.smtp_lane.greeting import EHLO_UNKNOWN, mx_of
from adapters.smtp_lane.options import Options, unverified_context
from adapters.smtp_lane.parcel import Attempt, Parcel
from domain.outcome_rules import CLOSING, DEADLINE, JOURNAL
from domain.ports import Consignment, DotJournal, NextHop, Phase, Reply, Report

SUBMISSIONS_PORT = 465  # TLS from the first byte, RFC 8314
GO_AHEAD, CLOSING_CODE = 354, 421
GOOD, DEFERRED = 2, 4
NEGATIVE = frozenset({4, 5})
ANSWERS = NEGATIVE | {GOOD}
CONNECTIONS_MAX = 2  # to one account's server: it is someone else's, and volume is low


class AccountLanes:
    """Sends through other people's servers, politely. Lives in one event loop."""

    def __init__(self, journal: DotJournal, options: Options | None = None) -> None:
        self._journal = journal
        self._options = options or Options()
        self._parcels: set[Parcel] = set()
        self._rooms: dict[tuple[str, NextHop], asyncio.Semaphore] = {}
        self._closing = False

    async def deliver(self, consignment: Consignment, report: Report) -> None:
        """As domain.ports.Lanes promises; cancelled, it reports what is open at once."""
        parcel = Parcel(consignment, report, asyncio.get_running_loop().create_future())
        if self._closing:
            parcel.report_pending(Reply(Phase.CONNECT, 0, CLOSING))
        if not parcel.open:
            return
        self._parcels.add(parcel)
        errand = _Errand(parcel, self._journal, self._options)
        why = CLOSING
        try:
            async with asyncio.timeout(max(0.0, parcel.deadline - time.monotonic())):
                await self._walk(parcel, errand)
        except TimeoutError:
            why = DEADLINE
        finally:
            self._parcels.discard(parcel)
            errand.conclude(why)

    async def close(self) -> None:
        """Let what is under way end, by its deadlines at the latest."""
        self._closing = True
        if self._parcels:
            await asyncio.wait([parcel.done for parcel in self._parcels])

    async def _walk(self, parcel: Parcel, errand: _Errand) -> None:
        """From next hop to next hop until nothing waits. One that deferred us ends the walk."""
        while parcel.pending and parcel.hop is not None:
            hop = parcel.hop
            async with self._room(parcel.consignment.source, hop):
                failure = await errand.through(hop)
            if failure is None:
                continue
            if failure.code or parcel.best is None:
                parcel.best = failure
            if failure.code // 100 == DEFERRED:
                break
            parcel.position += 1
        parcel.report_pending(parcel.best or Reply(Phase.CONNECT, 0, "no next hop"))

    def _room(self, source: str, hop: NextHop) -> asyncio.Semaphore:
        return self._rooms.setdefault((source, hop), asyncio.Semaphore(CONNECTIONS_MAX))


class _Errand:
    """One consignment's way through one connection after another."""

    def __init__(self, parcel: Parcel, journal: DotJournal, options: Options) -> None:
        self._parcel, self._journal, self._options = parcel, journal, options
        self._attempt: Attempt | None = None  # under way
        self._phase = Phase.CONNECT
        self._hop = NextHop("", 0)
        self._client = SMTP()

    def conclude(self, why: str) -> None:
        """Report whatever is open as it stands."""
        if self._attempt is not None:
            self._parcel.report(self._attempt.index, self._reply(0, why))
        for index in list(self._parcel.open):
            self._parcel.report(index, Reply(Phase.CONNECT, 0, why))

    async def through(self, hop: NextHop) -> Reply | None:
        """Send what waits over one connection; the reply when none came about.

        None: the connection was used; what it was not dotted on when it broke may wait again.
        """
        self._hop = hop
        try:
            failure = await self._opened(clear=hop.tls == "never")
            if failure is not None and self._may_fall_back():
                self._client.close()
                failure = await self._opened(clear=True)
            if failure is None:
                await self._use()
            return failure
        finally:
            self._client.close()

    def _may_fall_back(self) -> bool:
        """Whether TLS failed where it was a courtesy (RFC 7435) and no password goes out."""
        courtesy = self._hop.tls == "opportunistic" and self._hop.port != SUBMISSIONS_PORT
        return self._phase is Phase.TLS and courtesy and not self._hop.username

    async def _opened(self, *, clear: bool) -> Reply | None:
        """Bring a new connection to where MAIL may be said; the reply when that failed."""
        self._client = self._new_client()
        try:
            await self._greet(clear=clear)
        except (SMTPException, OSError, ValueError) as error:
            return self._failure(error)
        return None

    def _new_client(self) -> SMTP:
        source, hop = self._parcel.consignment.source, self._hop
        required = hop.tls == "required"
        return SMTP(
            hostname=hop.host,
            port=hop.port,
            local_hostname=self._options.hello_name,
            source_address=(source, 0) if source else None,
            timeout=self._options.timeout_s,
            use_tls=hop.port == SUBMISSIONS_PORT,
            start_tls=False,  # said by us, so that each step has its phase
            tls_context=self._options.required_tls() if required else unverified_context(),
        )

    async def _greet(self, *, clear: bool) -> None:
        self._phase = Phase.CONNECT
        await self._client.connect(timeout=self._options.connect_timeout_s)
        await self._hello()
        if not clear and self._hop.port != SUBMISSIONS_PORT:
            await self._secure()
        if self._hop.username:
            self._phase = Phase.AUTH
            await self._client.login(self._hop.username, self._hop.password)

    async def _hello(self) -> None:
        self._phase = Phase.EHLO
        try:
            await self._client.ehlo()
        except SMTPHeloError as error:
            if error.code not in EHLO_UNKNOWN:
                raise
            await self._client.helo()

    async def _secure(self) -> None:
        if self._client.supports_extension("starttls"):
            self._phase = Phase.TLS
            await self._client.starttls(server_hostname=mx_of(self._hop))
            await self._hello()  # what was said in clear is void, RFC 3207 §4.2
        elif self._hop.tls == "required" or self._hop.username:
            self._phase = Phase.TLS
            raise SMTPException("STARTTLS is not offered")

    async def _use(self) -> None:
        """Message after message, until none waits, the connection is worn, or it breaks."""
        for served in range(self._options.messages_max):
            attempt = self._take()
            if attempt is None:
                break
            attempt.first = served == 0
            self._attempt = attempt
            try:
                await self._transact(attempt)
            except (SMTPException, OSError) as error:
                self._broken(attempt, self._failure(error))
                return
            if not self._client.is_connected:
                return
        with suppress(SMTPException, OSError):
            await self._client.quit()

    def _take(self) -> Attempt | None:
        smtputf8 = self._client.supports_extension("smtputf8")
        while self._parcel.pending:
            attempt = self._parcel.take(mx_of(self._hop), smtputf8=smtputf8)
            if attempt is not None:
                return attempt
        return None

    async def _transact(self, attempt: Attempt) -> None:
        """One mail transaction; what comes of it is reported here unless the connection breaks."""
        message = attempt.message
        utf8 = () if (message.mail_from + message.rcpt_to).isascii() else (b"SMTPUTF8",)
        if not (
            await self._say(Phase.MAIL, b"MAIL", f"FROM:<{message.mail_from}>".encode(), *utf8)
            and await self._say(Phase.RCPT, b"RCPT", f"TO:<{message.rcpt_to}>".encode())
            and await self._say(Phase.DATA, b"DATA", want=GO_AHEAD)
        ):
            if self._client.is_connected:
                await self._client.rset()
            return
        refusal = self._may_dot(attempt)
        if refusal:
            self._parcel.report(attempt.index, self._reply(0, refusal))
            self._client.close()
            return
        await self._dot(attempt)

    async def _say(self, phase: Phase, *words: bytes, want: int = 250) -> bool:
        """Whether the command was taken; a refusal is reported."""
        self._phase = phase
        code, text = await self._client.execute_command(*words)
        if code // 100 == want // 100:
            return True
        if code // 100 not in NEGATIVE or self._attempt is None:
            raise SMTPException("a reply out of turn")
        self._parcel.report(self._attempt.index, self._reply(code, text))
        return False

    def _may_dot(self, attempt: Attempt) -> str:
        """Why no dot may be written; '' when it may, and the journal knows."""
        if time.monotonic() >= self._parcel.deadline:
            return DEADLINE
        try:
            self._journal.dotted(self._parcel.consignment.release_id, attempt.index)
        except OSError:
            self._parcel.report_pending(self._reply(0, JOURNAL))
            return JOURNAL
        return ""

    async def _dot(self, attempt: Attempt) -> None:
        protocol = self._client.protocol
        if protocol is None:
            raise SMTPServerDisconnected("connection lost")
        self._phase = Phase.DOT
        wire = attempt.message.wire
        end = b".\r\n" if wire.endswith(b"\r\n") or not wire else b"\r\n.\r\n"
        protocol.write(wire + end)
        code, text = await protocol.read_response(timeout=self._options.dot_timeout_s)
        if code // 100 not in ANSWERS:
            raise SMTPException("no reply to a dot")
        with suppress(OSError):  # without the note a crash makes it ambiguous, no worse
            self._journal.replied(self._parcel.consignment.release_id, attempt.index, code)
        self._parcel.report(attempt.index, self._reply(code, text))
        if code == CLOSING_CODE:
            self._client.close()

    def _broken(self, attempt: Attempt, reply: Reply) -> None:
        """Dotted, nobody knows; before that it may be tried on one more connection."""
        if self._phase is Phase.DOT or not self._parcel.once_more(attempt.index):
            self._parcel.report(attempt.index, reply)

    def _failure(self, error: Exception) -> Reply:
        """How a library error reads as a reply. One to the dot without a code is ambiguous."""
        if isinstance(error, SMTPConnectResponseError):
            self._phase = Phase.BANNER
        if isinstance(error, SMTPResponseException) and error.code // 100 in ANSWERS:
            return self._reply(error.code, error.message)
        return self._reply(0, str(error) or type(error).__name__)

    def _reply(self, code: int, text: str) -> Reply:
        first = self._attempt is None or self._attempt.first
        return Reply(self._phase, code, text, mx_of(self._hop), first)
