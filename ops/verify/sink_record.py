"""The receiving side's record: how many messages it holds of each send.

A line a message, with time, recipient and Message-ID: JSON objects (as the sink writes them), or
fields parted by blanks, tabs, commas, semicolons or bars, in any order. Takes 9 bytes of memory a
message: hashes of send ids, of which 64 bits tell tens of millions apart.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import orjson

from ops.errors import Missing, Usage
from ops.verify.send_ids import ID_CHARS, PREFIX, SeenIds, shard_of

#: In a line of the sink's own it stands once.
_AS_THE_SINK = re.compile(rf'"message_id":"([a-z2-7]{{{ID_CHARS}}})@'.encode())
CHUNK_BYTES = 1 << 20
_OURS = re.compile(rf"[a-z2-7]{{{ID_CHARS}}}@\S+")
_PARTED = re.compile(rb"[\s,;|]+")
_NAMES = frozenset({"messageid", "msgid"})


class SinkRecord:
    """What a file says was received, by send id; remembers which sends were asked for."""

    def __init__(self, file: Path) -> None:
        """Reads the file. Raises Missing when it is not there, Usage when it is no such record."""
        self._file = file
        held = SeenIds()
        for send_ids in self._chunks():
            held.add(send_ids)
        self._shards = held.sorted_shards()
        self._asked = [bytearray(len(shard)) for shard in self._shards]
        self.received = sum(map(len, self._shards))

    def counts(self, hashes: Iterable[int]) -> list[int]:
        """How many messages were received of each send with these hashes of ids."""
        found = []
        for key in hashes:
            number = shard_of(key)
            shard, asked = self._shards[number], self._asked[number]
            first = at = bisect_left(shard, key)
            while at < len(shard) and shard[at] == key:
                asked[at] = 1
                at += 1
            found.append(at - first)
        return found

    def unasked(self) -> Iterator[str]:
        """Send ids of messages that `count` was never asked for, in the file's order."""
        if all(all(asked) for asked in self._asked):
            return
        for send_id in chain.from_iterable(self._chunks()):
            key = hash(send_id)
            number = shard_of(key)
            if not self._asked[number][bisect_left(self._shards[number], key)]:
                yield send_id

    def _chunks(self) -> Iterator[list[str]]:
        """Send ids in the file's order, some thousands at a time."""
        number = 1
        try:
            with self._file.open("rb") as file:
                while lines := file.readlines(CHUNK_BYTES):
                    yield self._send_ids(lines, number)
                    number += len(lines)
        except FileNotFoundError as error:
            raise Missing(f"--against-sink {self._file}: there is no such file") from error

    def _send_ids(self, lines: list[bytes], number: int) -> list[str]:
        """Of lines, of which the first has this number; all at once where the sink wrote them."""
        found = _AS_THE_SINK.findall(b"".join(lines))
        if len(found) == len(lines):
            return (PREFIX + f"\n{PREFIX}".join(map(bytes.decode, found))).split("\n")
        identities = (self._identity(line, at) for at, line in enumerate(lines, number))
        return [PREFIX + one.partition("@")[0].lower() for one in identities if one]

    def _identity(self, line: bytes, number: int) -> str:
        """The Message-ID of a line; empty for a line that is none: blank, a comment, a heading."""
        text = line.strip()
        if not text or text.startswith(b"#"):
            return ""
        found = _in_object(text) if text.startswith(b"{") else _in_fields(text)
        if not found and number > 1:
            raise Usage(
                f"--against-sink {self._file}: line {number} has no Message-ID; a line a message"
                ' is wanted, {"time": …, "recipient": …, "message_id": …} or these three in fields'
            )
        return found


def _in_object(text: bytes) -> str:
    try:
        fields = orjson.loads(text)
    except orjson.JSONDecodeError:
        return ""
    for name, value in fields.items():
        if re.sub("[-_ ]", "", name.lower()) in _NAMES and isinstance(value, str):
            return value.strip().strip("<>")
    return ""


def _in_fields(text: bytes) -> str:
    """The field that is a Message-ID of ours, or else the last one with an @."""
    fields = [field.decode(errors="replace").strip("<>\"'") for field in _PARTED.split(text)]
    with_at = [field for field in fields if "@" in field]
    ours = [field for field in with_at if _OURS.fullmatch(field.lower())]
    return (ours or with_at or [""])[-1]
