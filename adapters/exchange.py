"""Questions to Postgres in one round trip, each statement prepared once per connection.

A cursor of psycopg takes more of the processor than Postgres takes for the answer, and each of its
statements waits for the one before. Here all of a question leave together (libpq's pipeline mode),
and psycopg only translates values: a quarter of the processor time (docs/performance.md).
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, LiteralString
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import FeatureNotSupported, error_from_result
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import TupleRow
from psycopg.sql import Composed

Row = dict[str, Any]
Connection = AsyncConnection[TupleRow]
GOOD = frozenset({pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK})
PREPARED_MAX = 200  # statements of one connection; the one longest unused goes
_PARAMETER = re.compile(r"%(?:\((\w+)\)s|(%))")


@dataclass(frozen=True)
class Ask:
    """One statement, with values for its `%(name)s`."""

    sql: LiteralString | Composed
    values: Mapping[str, Any] = field(default_factory=dict)


Types = tuple[int, ...]


@dataclass
class _Known:
    """What one connection has prepared: (text, types) → name."""

    names: OrderedDict[tuple[bytes, Types], bytes] = field(default_factory=OrderedDict)
    made: int = 0


_known: WeakKeyDictionary[Connection, _Known] = WeakKeyDictionary()


async def exchange(conn: Connection, asks: Sequence[Ask]) -> list[list[Row]]:
    """The rows of each statement, by column name; all of them are one transaction.

    Raises psycopg.Error of the first that fails: then none of them happened. Who is cancelled
    meanwhile leaves the connection closed, so that nobody else gets what was still on its way.
    """
    async with conn.lock:
        alone = conn.pgconn.transaction_status == pq.TransactionStatus.IDLE
        try:
            return await _exchange(conn, asks)
        except FeatureNotSupported:  # a view that it reads shows other columns since: once more
            if not alone or conn not in _known:
                raise
            _known[conn].names.clear()
            return await _exchange(conn, asks)


async def _exchange(conn: Connection, asks: Sequence[Ask]) -> list[list[Row]]:
    pgconn, sent = conn.pgconn, _Sent(conn)
    written = [sent.written(ask) for ask in asks]  # raises for values that Postgres cannot have
    try:
        pgconn.enter_pipeline_mode()
        for statement in written:
            sent.send(*statement)
        pgconn.pipeline_sync()
        await _flushed(pgconn)
        for hear in sent.expected:
            hear(await _result(pgconn))
        await _synced(pgconn)
    except BaseException:
        pgconn.finish()
        raise
    if sent.failed:
        raise sent.failed
    return sent.rows


Written = tuple[bytes, Types, Sequence[Any] | None, Sequence[pq.Format] | None]


class _Sent:
    """What leaves in one exchange, and who hears each of its results, in order."""

    def __init__(self, conn: Connection) -> None:
        self._conn, self._pgconn = conn, conn.pgconn
        self._known = _known.setdefault(conn, _Known())
        self._values = Transformer(conn)
        self.expected: list[Callable[[PGresult], object]] = []
        self.rows: list[list[Row]] = []
        self.failed: psycopg.Error | None = None

    def written(self, ask: Ask) -> Written:
        """Text, types, values and their formats. Raises psycopg.DataError, KeyError."""
        plain = ask.sql if isinstance(ask.sql, str) else ask.sql.as_string(self._conn)
        text, names = _compiled(plain)
        if not names:
            return text, (), None, None
        given = [ask.values[name] for name in names]
        values = self._values.dump_sequence(given, [PyFormat.AUTO] * len(given))
        return text, self._values.types or (), values, self._values.formats

    def send(
        self,
        text: bytes,
        types: Types,
        values: Sequence[Any] | None,
        formats: Sequence[pq.Format] | None,
    ) -> None:
        self._pgconn.send_query_prepared(self._name((text, types)), values, formats)
        self.expected.append(self._hear_rows)

    def _name(self, key: tuple[bytes, Types]) -> bytes:
        """What the statement is called in this connection; it is prepared first if it is new."""
        names = self._known.names
        if key in names:
            names.move_to_end(key)
            return names[key]
        if len(names) >= PREPARED_MAX:
            _, oldest = names.popitem(last=False)
            self._pgconn.send_query_params(b"DEALLOCATE " + oldest, None)
            self.expected.append(self._judge)
        self._known.made += 1
        name = names[key] = b"_ask_%d" % self._known.made
        self._pgconn.send_prepare(name, key[0], key[1] or None)
        self.expected.append(partial(self._hear_prepared, key))
        return name

    def _judge(self, result: PGresult) -> bool:
        if result.status not in GOOD and self.failed is None:
            self.failed = error_from_result(result, self._conn.info.encoding)
        return result.status in GOOD

    def _hear_prepared(self, key: tuple[bytes, Types], result: PGresult) -> None:
        if not self._judge(result):
            self._known.names.pop(key, None)

    def _hear_rows(self, result: PGresult) -> None:
        if not self._judge(result):
            return
        names = [(result.fname(number) or b"").decode() for number in range(result.nfields)]
        self._values.set_pgresult(result)
        self.rows.append(
            self._values.load_rows(
                0, result.ntuples, lambda row: dict(zip(names, row, strict=True))
            )
        )


@lru_cache(maxsize=1000)
def _compiled(text: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement with `$1` for the first name and so on, and these names."""
    names: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        return "%" if found[2] else f"${names.setdefault(found[1], len(names) + 1)}"

    return _PARAMETER.sub(numbered, text).encode(), tuple(names)


async def _flushed(pgconn: PGconn) -> None:
    """All of it is on its way; what comes meanwhile is read, so that neither side waits."""
    while pgconn.flush():
        await _ready(pgconn.socket, writing=True)
        pgconn.consume_input()


async def _heard(pgconn: PGconn) -> PGresult | None:
    while pgconn.is_busy():
        await _ready(pgconn.socket)
        pgconn.consume_input()
    return pgconn.get_result()


async def _result(pgconn: PGconn) -> PGresult:
    """The next statement's result. Raises OperationalError when there is none to come."""
    found = await _heard(pgconn)
    if found is None or await _heard(pgconn) is not None:
        raise psycopg.OperationalError(pgconn.get_error_message() or "the connection is lost")
    return found


async def _synced(pgconn: PGconn) -> None:
    """The end of the transaction."""
    found = await _heard(pgconn)
    if found is None or found.status != pq.ExecStatus.PIPELINE_SYNC:
        raise psycopg.OperationalError(pgconn.get_error_message() or "the connection is lost")
    pgconn.exit_pipeline_mode()


async def _ready(socket: int, *, writing: bool = False) -> None:
    """Until the socket has something to read, or, if so wished, takes something."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not waiting.done():
            waiting.set_result(None)

    loop.add_reader(socket, wake)
    if writing:
        loop.add_writer(socket, wake)
    try:
        await waiting
    finally:
        loop.remove_reader(socket)
        if writing:
            loop.remove_writer(socket)
