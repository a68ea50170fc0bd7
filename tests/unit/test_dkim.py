"""Our signatures as dkimpy, which is not ours, sees them."""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace

import dkim as verifier
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from adapters.message import dkim
from adapters.message.dkim import KeyPair, Signer
from adapters.sending_records import dkim_name, dkim_value, txt_strings
from domain.campaign import SIGNATURES
from domain.refusals import Invalid
from tests.message_kit import ADDRESS, HOSTILE, SEND_ID, compiled, parsed

KEYS = {algorithm: dkim.new_key(algorithm) for algorithm in ("rsa", "ed25519")}
BODY = "<p>Hi {{ first_name }}, . <b>From</b>\n.\n..dots\nFrom here\ttab  two  blanks  \n</p>\n\n"


def signers(mode: str) -> list[Signer]:
    both = [dkim.load_signer("example.com", name, key.private_der) for name, key in KEYS.items()]
    return [signer for signer in both if signer.algorithm in SIGNATURES[mode]]


def verdicts(wire: bytes, keys: dict[str, KeyPair] | None = None) -> list[bool]:
    """What dkimpy says of each signature, with the DNS records that we tell tenants to publish."""
    records = {
        dkim_name("example.com", name): "".join(txt_strings(dkim_value(name, key.public_base64)))
        for name, key in (keys or KEYS).items()
    }

    def txt(name: bytes, timeout: int = 5) -> bytes:
        return records[name.decode().rstrip(".")].encode()

    count = wire.count(b"DKIM-Signature:")
    return [_verdict(wire, at, txt) for at in range(count)]


def _verdict(wire: bytes, at: int, txt: Callable[..., bytes]) -> bool:
    try:
        return bool(verifier.DKIM(wire).verify(at, dnsfunc=txt))
    except verifier.ValidationError:  # a body hash that differs
        return False


class _EdwardsKey:
    """dkimpy takes this primitive from PyNaCl; here it comes from `cryptography`."""

    def __init__(self, text: bytes, **_encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(b64decode(text))

    def verify(self, digest: bytes, signature: bytes) -> None:
        self._key.verify(signature, digest)


@pytest.fixture(autouse=True)
def edwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets dkimpy verify Ed25519 where PyNaCl is not installed."""
    if not hasattr(verifier, "nacl"):
        stand_in = SimpleNamespace(
            signing=SimpleNamespace(VerifyKey=_EdwardsKey),
            encoding=SimpleNamespace(Base64Encoder=None),
            exceptions=SimpleNamespace(ValueError=ValueError, BadSignatureError=InvalidSignature),
        )
        monkeypatch.setattr(verifier, "nacl", stand_in, raising=False)


@pytest.mark.parametrize(("mode", "count"), [("none", 0), ("rsa", 1), ("ed25519", 1), ("both", 2)])
def test_every_signature_verifies(mode: str, count: int) -> None:
    skeleton = compiled(BODY, signers=signers(mode), launched_at=datetime.now(UTC))

    wire = skeleton.render(0, SEND_ID, ADDRESS, {"first_name": "Zoë"}).wire

    assert verdicts(wire) == [True] * count


@pytest.mark.parametrize("value", HOSTILE)
def test_signatures_verify_whatever_the_value(value: str) -> None:
    skeleton = compiled(
        BODY,
        subject="{{ first_name }} {{ city }}",
        sender_name="Zoë, from " + "far " * 20,
        signers=signers("both"),
        launched_at=datetime.now(UTC),
    )

    wire = skeleton.render(0, SEND_ID, ADDRESS, {"first_name": value, "city": value}).wire

    assert verdicts(wire) == [True, True]


@pytest.mark.parametrize("mode", ["rsa", "ed25519"])
def test_signatures_verify_without_slots_and_without_unsubscribing(mode: str) -> None:
    for changed in ({}, {"message_class": "transactional"}):
        skeleton = compiled(
            "<p>x</p>",
            subject="fixed",
            text="fixed",
            signers=signers(mode),
            launched_at=datetime.now(UTC),
            **changed,
        )
        assert verdicts(skeleton.render(0, SEND_ID, ADDRESS, {}).wire) == [True]


def test_the_verifier_sees_what_was_changed() -> None:
    """The negative control: body, each header, an added header, another key."""
    skeleton = compiled(BODY, signers=signers("both"), launched_at=datetime.now(UTC))
    wire = skeleton.render(0, SEND_ID, ADDRESS, {"first_name": "Ada"}).wire
    names = [name for name, _ in parsed(wire).items() if name != "DKIM-Signature"]

    assert verdicts(wire.replace(b"dots", b"dote")) == [False, False]
    assert len(names) == 10
    for name in names:
        at = wire.index(b"\r\n" + name.encode() + b":") + len(name) + 4
        assert verdicts(wire[:at] + b"x" + wire[at:]) == [False, False]
    for name in ("From", "Subject", "Reply-To", "Cc", "List-Unsubscribe"):
        assert verdicts(f"{name}: evil@x.example\r\n".encode() + wire) == [False, False]
    others = {name: dkim.new_key(name) for name in KEYS}
    assert verdicts(wire, others) == [False, False]


def test_times_are_the_campaigns() -> None:
    moment = datetime.now(UTC)
    wire = compiled(signers=signers("rsa"), launched_at=moment).render(0, SEND_ID, ADDRESS, {}).wire

    (signature,) = [value for name, value in parsed(wire).items() if name == "DKIM-Signature"]

    assert f"t={int(moment.timestamp())};" in signature
    assert f"x={int(moment.timestamp()) + 14 * 86400};" in signature
    assert int(moment.timestamp()) <= time.time()


def test_signing_again_gives_the_same_bytes() -> None:
    skeleton = compiled(signers=signers("both"))

    first = skeleton.render(0, SEND_ID, ADDRESS, {}).wire

    assert skeleton.render(0, SEND_ID, ADDRESS, {}).wire == first


def test_a_key_is_2048_bits_and_its_record_fits_dns() -> None:
    value = dkim_value("rsa", KEYS["rsa"].public_base64)
    strings = txt_strings(value)

    assert len(strings) == 2
    assert max(map(len, strings)) == 255
    assert "".join(strings) == value
    assert dkim.load_signer("example.com", "s", KEYS["rsa"].private_der).algorithm == "rsa"
    assert len(txt_strings(dkim_value("ed25519", KEYS["ed25519"].public_base64))) == 1


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(Invalid, match="use rsa or ed25519"):
        dkim.new_key("dsa")
