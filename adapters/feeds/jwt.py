"""Signs a JSON Web Token with an RSA key (RFC 7515, RS256): a service account's proof of itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def signed(claims: Mapping[str, str | int], key_pem: bytes) -> str:
    """The token. Raises ValueError for a key that is no RSA key."""
    try:
        key = load_pem_private_key(key_pem, None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("no private key that can be read") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("no RSA key")  # noqa: TRY004 - the caller cares for the key, not its type
    text = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{text}.{_encoded(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def _part(held: Mapping[str, str | int]) -> str:
    return _encoded(json.dumps(dict(held), separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
