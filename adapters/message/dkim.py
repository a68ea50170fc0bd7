"""DKIM signatures over messages whose canonical form is known (RFC 6376, RFC 8463).

c=relaxed/simple: our bodies have CRLF lines and no blank line at the end, so their canonical form
is what leaves. Every header is signed and signed once more as absent, so that none can be added.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from adapters.message import headers, signing_worker
from domain.refusals import Invalid

Algorithm = Literal["rsa", "ed25519"]
VALID_FOR = timedelta(days=14)  # limits replay; longer than any send stays queued
_RSA_BITS = 2048
_FOLD = 72
# None of these can be added without breaking the signature (RFC 6376 §8.15).
GUARDED = (
    *("from", "to", "cc", "subject", "date", "message-id", "reply-to", "mime-version"),
    *("content-type", "list-unsubscribe", "list-unsubscribe-post", "feedback-id"),
)


class KeyPair(NamedTuple):
    """A signing key: PKCS #8 DER, and what the DNS record shows of it."""

    private_der: bytes
    public_base64: str


@dataclass(frozen=True)
class Signer:
    """Signs for a domain under a selector."""

    domain: str
    selector: str
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

    @property
    def algorithm(self) -> Algorithm:
        return "rsa" if isinstance(self.key, rsa.RSAPrivateKey) else "ed25519"

    @cached_property
    def private_der(self) -> bytes:
        """The key, PKCS #8, for a process that signs in place of this one."""
        return _pkcs8(self.key)

    def sign(self, digest: bytes) -> bytes:
        """The signature over canonical headers whose SHA-256 is `digest`."""
        return signing_worker.signature(self.key, digest)


class Stamp:
    """One signer's header field for messages of one shape, signed at one moment."""

    def __init__(self, signer: Signer, names: Sequence[str], at: datetime) -> None:
        """`names`: the headers present, lower case, in the order of their canonical forms."""
        seconds = int(at.timestamp())
        expires = int((at + VALID_FOR).timestamp())
        signed = ":\r\n ".join(_lines_of([*names, *GUARDED]))
        head = (
            f"v=1; a={signer.algorithm}-sha256; c=relaxed/simple; d={signer.domain};\r\n"
            f" s={signer.selector}; t={seconds}; x={expires};\r\n h={signed};\r\n bh="
        )
        self.signer = signer
        self._wire = b"DKIM-Signature: " + head.encode("ascii")
        self._canonical = b"dkim-signature:" + head.replace("\r\n ", " ").encode("ascii")

    def field(self, canonical_headers: bytes, body_hash: bytes) -> bytes:
        """The whole header field, with CRLF. `body_hash` is base64 of SHA-256."""
        signature = self.signer.sign(self.digest(canonical_headers, body_hash))
        return self.signed(body_hash, signature)

    def digest(self, canonical_headers: bytes, body_hash: bytes) -> bytes:
        """What is to be signed: the SHA-256 of the headers and of the field without signature."""
        data = b"%b%b%b; b=" % (canonical_headers, self._canonical, body_hash)
        return hashlib.sha256(data).digest()

    def signed(self, body_hash: bytes, signature: bytes) -> bytes:
        """The whole field with the signature of `digest`."""
        value = b64encode(signature)
        lines = [value[at : at + _FOLD] for at in range(0, len(value), _FOLD)]
        return b"%b%b;\r\n b=%b\r\n" % (self._wire, body_hash, b"\r\n ".join(lines))


def body_hash(body: bytes) -> bytes:
    """What `bh=` says of a body in canonical form."""
    return b64encode(hashlib.sha256(body).digest())


def new_key(algorithm: str) -> KeyPair:
    """A fresh RSA-2048 or Ed25519 key."""
    if algorithm not in ("rsa", "ed25519"):
        raise Invalid(f"there is no signing algorithm {algorithm!r}: use rsa or ed25519")
    if algorithm == "ed25519":
        edwards = ed25519.Ed25519PrivateKey.generate()
        raw = edwards.public_key().public_bytes_raw()
        return KeyPair(_pkcs8(edwards), b64encode(raw).decode())
    key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(_pkcs8(key), b64encode(public).decode())


def load_signer(domain: str, selector: str, private_der: bytes) -> Signer:
    """A signer from a stored key. Invalid when it is no RSA or Ed25519 key."""
    key = serialization.load_der_private_key(private_der, password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise Invalid(f"the key under {selector} signs nothing that DKIM knows")
    return Signer(headers.domain_of(domain), selector, key)


def _lines_of(names: Sequence[str]) -> list[str]:
    return [":".join(names[at : at + 4]) for at in range(0, len(names), 4)]


def _pkcs8(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
