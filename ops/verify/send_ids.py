"""Send ids of millions of sends: 16 bytes each, and whether one of them was planned twice."""

from __future__ import annotations

from array import array
from base64 import b32encode
from bisect import bisect_left
from collections.abc import Iterator, Sequence

ID_CHARS, PREFIX = 26, "snd_"
_BITS = ID_CHARS * 5
_MASK = (1 << _BITS) - 1
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_DIGITS = "0123456789abcdefghijklmnopqrstuv"  # of int(…, 32)
# What is no letter of the alphabet becomes what int() refuses.
_TO_DIGITS = str.maketrans(_ALPHABET + "0189_", _DIGITS + "!!!!!")
SHARDS = 64
_EDGES = [(shard - SHARDS // 2) << 58 for shard in range(1, SHARDS)]


def shard_of(key: int) -> int:
    """Which of SHARDS parts a 64-bit hash belongs to."""
    return (key >> 58) + SHARDS // 2


class PackedIds:
    """The send ids of one batch, by index. Any texts are kept; well-formed ids take 16 bytes.

    Who will want `hashes` says so: they take 8 bytes more, and to make them again takes long.
    """

    __slots__ = ("_data", "_hashes", "_packed", "size")

    def __init__(self, ids: Sequence[str], *, hashed: bool = False) -> None:
        self.size = len(ids)
        self._hashes = array("q", map(hash, ids)) if hashed else None
        packed = _pack(ids)
        self._packed = packed is not None
        self._data = "\n".join(ids).encode() if packed is None else packed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackedIds) and (self.size, self._data) == (other.size, other._data)

    def __hash__(self) -> int:
        return hash((self.size, self._data))

    def __iter__(self) -> Iterator[str]:
        if not self._packed:
            yield from self._data.decode().split("\n") if self.size else ()
            return
        whole = b32encode(self._data.rjust(-(-len(self._data) // 5) * 5, b"\0")).decode().lower()
        bare = whole[len(whole) - self.size * ID_CHARS :]
        for at in range(0, len(bare), ID_CHARS):
            yield PREFIX + bare[at : at + ID_CHARS]

    def hashes(self) -> Sequence[int]:
        """Of the ids, by index."""
        return self._hashes if self._hashes is not None else [hash(one) for one in self]

    def __getitem__(self, index: int) -> str:
        """The id at an index; `#index` for one that the batch does not have."""
        if not 0 <= index < self.size:
            return f"#{index}"
        if not self._packed:
            return self._data.decode().split("\n")[index]
        whole = int.from_bytes(self._data, "big")
        return _text(whole >> (_BITS * (self.size - 1 - index)) & _MASK)


def _pack(ids: Sequence[str]) -> bytes | None:
    """The ids as one number of 130 bits each; None unless all are well-formed."""
    joined, length = "".join(ids), len(PREFIX) + ID_CHARS
    same_length = set(map(len, ids)) <= {length}
    prefixed = all(joined[at::length] == letter * len(ids) for at, letter in enumerate(PREFIX))
    bare = joined.replace(PREFIX, "")
    if not (same_length and prefixed and bare == bare.lower() and len(bare) == len(ids) * ID_CHARS):
        return None
    try:
        number = int(bare.translate(_TO_DIGITS) or "0", 32)
    except ValueError:
        return None
    return number.to_bytes((len(ids) * _BITS + 7) // 8, "big")


def _text(number: int) -> str:
    letters = (_ALPHABET[number >> shift & 31] for shift in range(_BITS - 5, -1, -5))
    return PREFIX + "".join(letters)


class SeenIds:
    """64-bit hashes of all ids, sharded so that a look for repeats needs little memory."""

    def __init__(self) -> None:
        self._shards = [array("q") for _ in range(SHARDS)]
        self.count = 0

    def add(self, ids: Sequence[str]) -> None:
        """Note the ids of one batch."""
        hashes = sorted(map(hash, ids))
        self.count += len(hashes)
        at = 0
        for shard, edge in zip(self._shards, [*_EDGES, 1 << 63], strict=True):
            if at == len(hashes):
                break
            end = bisect_left(hashes, edge, at)
            if end > at:
                shard.fromlist(hashes[at:end])
                at = end

    def sorted_shards(self) -> list[array[int]]:
        """The hashes, each shard (`shard_of`) in order."""
        return [array("q", sorted(shard)) for shard in self._shards]

    def repeated(self) -> set[int]:
        """Hashes that occur more than once; a hash is no proof, its ids are to be compared."""
        found: set[int] = set()
        for shard in self._shards:
            if len(set(shard)) != len(shard):
                found |= _twice(shard)
        return found


def _twice(shard: array[int]) -> set[int]:
    seen: set[int] = set()
    twice: set[int] = set()
    for value in shard:
        (twice if value in seen else seen).add(value)
    return twice
