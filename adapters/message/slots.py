"""A row of constants with numbered slots between them, filled by one join."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter


class Slots:
    """Byte constants and slots; a slot is the index of its value and may occur often."""

    def __init__(self, parts: Sequence[bytes | int], size: int) -> None:
        """`size`: how many values `fill` will be given."""
        merged = _merged(parts)
        self._constants = tuple(part for part in merged if isinstance(part, bytes))
        places = iter(range(size, size + len(self._constants)))
        order = [part if isinstance(part, int) else next(places) for part in merged]
        self._pick = itemgetter(*order)
        self.varies = any(isinstance(part, int) for part in merged)
        self._whole = b"".join(self._constants)

    def fill(self, values: tuple[bytes, ...]) -> bytes:
        """The whole. Without slots it is the same object every time."""
        if not self.varies:
            return self._whole
        return b"".join(self._pick(values + self._constants))


def _merged(parts: Sequence[bytes | int]) -> list[bytes | int]:
    """Neighbouring constants as one; never fewer than two parts, since itemgetter then unpacks."""
    found: list[bytes | int] = [b""]
    for part in parts:
        if isinstance(part, bytes) and isinstance(found[-1], bytes):
            found[-1] += part
        else:
            found.append(part)
    return [*found, b""]
