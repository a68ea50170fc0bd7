"""Signs digests in a process of its own, because `cryptography` holds the GIL while it signs.

A signing pool runs this file; it imports nothing else of the project, so it is small. It sees keys
and digests, never an address or a text. It answers in order on the socket that is its stdin, and
ends with that: when the pool closes it, and when the pool's process is killed.

    request   u32 octets of the key, u32 digests; the key, PKCS #8 DER; the digests, 32 octets each
    answer    u32 octets of one signature; one signature per digest
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from struct import Struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

REQUEST, ANSWER = Struct("!II"), Struct("!I")
DIGEST_OCTETS = 32  # SHA-256
_KEYS_KEPT = 64
_PADDING, _HASH = padding.PKCS1v15(), Prehashed(hashes.SHA256())


def signature(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, digest: bytes) -> bytes:
    """The signature whose SHA-256 is `digest`; the same every time (RFC 6376 §3.3, RFC 8463 §3)."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(digest, _PADDING, _HASH)
    return key.sign(digest)  # RFC 8463 §3: the hash is what is signed


def request(private_der: bytes, digests: Sequence[bytes]) -> bytes:
    """What asks a worker for signatures."""
    return REQUEST.pack(len(private_der), len(digests)) + private_der + b"".join(digests)


def _answer(private_der: bytes, digests: bytes) -> bytes:
    key = _key(private_der)
    starts = range(0, len(digests), DIGEST_OCTETS)
    made = [signature(key, digests[at : at + DIGEST_OCTETS]) for at in starts]
    return ANSWER.pack(len(made[0])) + b"".join(made)


@lru_cache(_KEYS_KEPT)
def _key(private_der: bytes) -> rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey:
    key = serialization.load_der_private_key(private_der, password=None)
    assert isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey)  # noqa: S101 - the pool's
    return key


def main() -> None:
    """Answer until the pool's end of the socket is closed; no signal but SIGKILL ends it sooner."""
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the pool's process, which drains
        signal.signal(number, signal.SIG_IGN)
    pool = socket.socket(fileno=0)
    asked = pool.makefile("rb")
    with suppress(OSError):  # the pool's process is gone
        while len(head := asked.read(REQUEST.size)) == REQUEST.size:
            key_octets, count = REQUEST.unpack(head)
            private_der, digests = asked.read(key_octets), asked.read(count * DIGEST_OCTETS)
            if len(digests) < count * DIGEST_OCTETS:
                return
            pool.sendall(_answer(private_der, digests))


if __name__ == "__main__":
    main()
