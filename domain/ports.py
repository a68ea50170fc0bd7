"""What the rooms need from outside, each a Protocol with one implementation per technology."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, Required, TypedDict, TypeVar, Unpack

from domain.courtesy import Courtesy
from domain.event import Event
from domain.refusals import Refused, Taken

# ---- where to connect


@dataclass(frozen=True)
class NextHop:
    """A server to hand mail to. `tls`: never, opportunistic or required."""

    host: str
    port: int
    tls: str = "opportunistic"
    username: str = ""
    password: str = ""
    name: str = ""  # of the MX host whose address `host` is; empty: `host` is all there is


@dataclass(frozen=True)
class Route:
    """Where a domain's mail goes: hops in the order to try; empty hops: it takes no mail."""

    provider: str
    hops: tuple[NextHop, ...]
    problem: str = ""  # why there are no hops: null_mx, no_domain; or unreachable (ask again later)


class Resolver(Protocol):
    """Finds the mailbox provider of a domain by its MX (RFC 5321 §5.1, RFC 7505)."""

    async def route(self, domain: str) -> Route: ...

    async def txt(self, name: str) -> list[str]:
        """The TXT records of a name, strings joined; empty when there are none."""
        ...


# ---- one SMTP transaction


class Phase(StrEnum):
    """Where in the conversation something happened."""

    CONNECT = "connect"
    BANNER = "banner"
    EHLO = "ehlo"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # up to the final dot, which was not written
    DOT = "dot"  # the final dot was written


@dataclass(slots=True)  # a value like the others; frozen, making one takes three times as long
class Reply:
    """What came of one attempt. code 0: no reply (the connection failed or ended; `text` says how).

    With phase DOT and code 0 nobody knows whether the mail was taken (RFC 1047).
    """

    phase: Phase
    code: int
    text: str = ""
    mx: str = ""
    first_in_session: bool = False


@dataclass(slots=True)  # as Reply: one is made per send
class Message:
    """One recipient's mail, ready for the wire: CRLF lines, dot-stuffed, without the final dot."""

    index: int  # within its batch
    mail_from: str
    rcpt_to: str
    wire: bytes


class DotJournal(Protocol):
    """Notes that must survive kill -9 of this process: before a dot, and after a reply."""

    name: str

    def dotted(self, release_id: str, index: int) -> None:
        """Note that the final dot of this attempt comes next. Raises OSError: no dot then."""
        ...

    def replied(self, release_id: str, index: int, code: int) -> None: ...


Report = Callable[[int, Reply], None]


class NotRendered(Exception):  # noqa: N818 - an answer about one message
    """`Consignment.render` raises it for a message that cannot be made, and has recorded that.

    The lane leaves the index out: no attempt, no report, and the rest of the consignment goes on.
    """


@dataclass(frozen=True)
class Consignment:
    """Messages of one claimed slice for one next hop. `render` makes each just before it leaves.

    `render` raises NotRendered for a message that cannot be made; it raises nothing else.
    """

    release_id: str
    source: str  # local address to bind; empty: the system chooses
    hops: tuple[NextHop, ...]
    indexes: Sequence[int]
    render: Callable[[int], Message]
    deadline: float  # time.monotonic() seconds: no dot is written after it
    courtesy: Courtesy | None = None  # None: the lanes' own bounds alone


class Lanes(Protocol):
    """Delivers over SMTP, lanes per (source, next hop), a bounded number of connections each."""

    async def deliver(self, consignment: Consignment, report: Report) -> None:
        """Attempt each index once and report each exactly once; returns when all are reported.

        Before a dot it checks the deadline and notes it in the journal; what was not dotted by the
        deadline is reported with its phase and code 0.
        """
        ...

    async def close(self) -> None: ...


# ---- the message


@dataclass(frozen=True, slots=True)
class Addressee:
    """One recipient as `Renderer.render` takes it. Holds personal data."""

    index: int
    send_id: str
    address: str
    fields: Mapping[str, str]


class Renderer(Protocol):
    """A compiled template version for one campaign: `render` fills the slots for one recipient."""

    @property
    def ahead(self) -> int:
        """How many addressees `stamps` takes at a time; 0: there is nothing to ask it for."""
        ...

    async def stamps(self, addressees: Sequence[Addressee]) -> Mapping[int, bytes]:
        """Signatures by index, made beside the event loop; any may be missing.

        Whom `render` refuses is left out without a word.
        """
        ...

    def render(
        self,
        index: int,
        send_id: str,
        address: str,
        fields: Mapping[str, str],
        stamp: bytes = b"",
    ) -> Message:
        """The mail, with the stamp that `stamps` made for it, or else signed now: the same bytes.

        Raises Refused for a mail that cannot be made.
        """
        ...


# ---- the log


class EventLog(Protocol):
    """Appends drafts (adapters.kafka_log.Draft) in order; returns once every copy acknowledged."""

    def append(self, drafts: Sequence[Any], timeout_s: float = ...) -> Awaitable[None]: ...


# ---- where the log ends


class LogEnds(Protocol):
    """Looks at the log from outside any reader. Raises LogUnavailable without an answer."""

    async def ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        """The end offsets now, by (topic without prefix, partition)."""
        ...

    async def identity(self) -> str:
        """The log's id. Raises LogUnavailable where partitions belong to different logs."""
        ...


# ---- what a consumer could not handle


class DeadLetters(Protocol):
    """Keeps a record that a consumer gave up on, with the reason, for people to look at."""

    async def put(self, record: Any, reason: str) -> None:
        """Keep it durably. `record` has Kafka's shape. Raises when it cannot be kept."""
        ...


# ---- mail of the platform itself


class LetterKind(StrEnum):
    """What the platform writes to people about; each has a template of its own."""

    VERIFY = "verify"  # is this address yours?
    KNOWN = "known"  # somebody signed up with an address that has an account
    RESET = "reset"  # choose another password
    INVITATION = "invitation"  # come into a tenant


@dataclass(frozen=True)
class Letter:
    """A mail to one person. Holds personal data and a secret: never logged, never in an event."""

    kind: LetterKind
    address: str
    link: str
    lifetime_s: int  # how long the link serves; later the letter is not worth sending
    fields: Mapping[str, str] = field(default_factory=dict)  # beside link and hours


class SystemMail(Protocol):
    """Sends the platform's own mail."""

    def send(self, letter: Letter) -> None:
        """Returns once it is certain to go out. Raises StoreUnavailable; repeating sends again."""
        ...


# ---- decisions


S = TypeVar("S")


@dataclass(frozen=True)
class Reservation:
    """A value that one stream alone may hold in a scope; an empty scope is the whole platform."""

    kind: str
    value: str
    scope: str = ""

    def refusal(self) -> Taken:
        """The answer when another stream holds it."""
        return Taken(f"{self.kind}: {self.value!r} is in use already; choose another")


@dataclass(frozen=True)
class Decided:
    """What a command came to.

    `position` is where the log must be read to for the effect to show; None: nothing to wait for.
    `answered`: the command id was seen before, and this is what it came to then; no events.
    """

    position: int | None
    events: tuple[Event, ...]
    answered: bool = False
    stream_id: str = ""  # of an answered command: the stream that it went to then


class ConcurrentAppend(Exception):  # noqa: N818 - a state of the outside
    """Others kept changing the stream at the same time; nothing was stored; ask again."""


class StoreUnavailable(Exception):  # noqa: N818 - a state of the outside
    """Decisions cannot be taken now; whether one was stored is known by its command id."""


class CommandContext(TypedDict, total=False):
    """What a command says beside its decision; all but the tenant may be left out."""

    tenant_id: Required[str]
    command_id: str  # the caller's; repeating it gives the first answer
    actor: str
    causation: str
    correlation: str
    reservations: Sequence[Reservation]


@dataclass(frozen=True)
class Wanted:
    """One decision of many: what `Decider.transact` takes."""

    stream_id: str
    initial: Any
    evolve: Callable[[Any, Event], Any]
    decide: Callable[[Any], Sequence[Event]]
    context: CommandContext


#: What became of one decision of many.
Outcome = Decided | Refused | ConcurrentAppend


class Decider(Protocol):
    """Takes decisions on event streams, one at a time per stream, and keeps them (I1)."""

    def transact(
        self,
        stream_id: str,
        initial: S,
        evolve: Callable[[S, Event], S],
        decide: Callable[[S], Sequence[Event]],
        **context: Unpack[CommandContext],
    ) -> Decided:
        """Fold the stream, decide, and store the events, all or none.

        `decide` may run several times: it must be pure. With a `command_id` repeating is safe: the
        second time gives the first answer. A stream of another tenant looks empty. Raises Refused
        (from `decide`; Taken for a reservation), ConcurrentAppend, StoreUnavailable.
        """
        ...

    def transact_many(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """As `transact` of each, in this order, in few transactions; the outcome of each, in order.

        Each is stored whole or not at all, later ones see what earlier ones stored, and one that is
        refused or changed by others at the same time stops no other: its outcome is the exception.
        Raises StoreUnavailable: earlier ones may be stored, and repeating is as safe as each is.
        """
        ...


class AsyncDecider(Protocol):
    """A Decider for coroutines."""

    async def transact(
        self,
        stream_id: str,
        initial: S,
        evolve: Callable[[S, Event], S],
        decide: Callable[[S], Sequence[Event]],
        **context: Unpack[CommandContext],
    ) -> Decided:
        """As Decider.transact; cancelling it does not undo what may be stored already."""
        ...
