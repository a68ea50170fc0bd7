"""The signatures on a campaign's mail: made here one by one, or many at once by a signing pool."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from adapters.message.dkim import Stamp
from adapters.message.signing_pool import SigningPool

#: What travels to a signing process at a time; fewer than FEW wait for nobody there.
AHEAD, FEW = 50, 5


class Unsigned(NamedTuple):
    """A mail's body hash, and what each stamp is to sign of it."""

    body_hash: bytes
    digests: tuple[bytes, ...]


class Signing:
    """All stamps of a campaign's mail. Falsy: it leaves unsigned."""

    def __init__(self, stamps: Sequence[Stamp], pool: SigningPool | None) -> None:
        self._stamps = stamps
        # An Ed25519 signature takes about as long as asking for one.
        slow = any(stamp.signer.algorithm == "rsa" for stamp in stamps)
        self._pool = pool if slow else None

    def __bool__(self) -> bool:
        return bool(self._stamps)

    @property
    def ahead(self) -> int:
        """How many mails to give `fields_of` at a time; 0: it has no pool."""
        return AHEAD if self._pool else 0

    def fields(self, canonical_headers: bytes, body_hash: bytes) -> bytes:
        """The header fields of all stamps, signed here and now."""
        return b"".join(stamp.field(canonical_headers, body_hash) for stamp in self._stamps)

    def unsigned(self, canonical_headers: bytes, body_hash: bytes) -> Unsigned:
        """What `fields_of` needs of a mail to make the bytes that `fields` makes."""
        digests = (stamp.digest(canonical_headers, body_hash) for stamp in self._stamps)
        return Unsigned(body_hash, tuple(digests))

    async def fields_of(self, mails: Mapping[int, Unsigned]) -> dict[int, bytes]:
        """The fields of each mail, by its index, signed by the pool; empty where it failed."""
        if self._pool is None or len(mails) < FEW:
            return {}
        asked = [
            self._pool.sign(stamp.signer.private_der, [mail.digests[at] for mail in mails.values()])
            for at, stamp in enumerate(self._stamps)
        ]
        columns = [found for found in await asyncio.gather(*asked) if found is not None]
        if len(columns) < len(asked):
            return {}
        rows = zip(mails.items(), zip(*columns, strict=True), strict=True)
        return {index: self._joined(mail, signatures) for (index, mail), signatures in rows}

    def _joined(self, mail: Unsigned, signatures: Sequence[bytes]) -> bytes:
        made = zip(self._stamps, signatures, strict=True)
        return b"".join(stamp.signed(mail.body_hash, signature) for stamp, signature in made)
