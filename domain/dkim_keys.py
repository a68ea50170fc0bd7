"""DKIM keys of a sending domain: of each algorithm one signs, and one may be coming or going."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.event import Event, Topic, event_type
from domain.refusals import WrongState

ALGORITHMS = ("rsa", "ed25519")
#: How long the key before stays published: mail that it signed is still queued or being verified.
KEY_GRACE_S = 10 * 86400
#: Of one algorithm: the one that signs, and the one before or after it.
KEYS_MAX = 2


@event_type("DkimKeyCreated", topic=Topic.DECISIONS, key="tenant_id")
class DkimKeyCreated(Event):
    """A signing key exists under a selector. The private half stays in Postgres."""

    tenant_id: str
    domain_id: str
    selector: str
    algorithm: str  # rsa or ed25519
    public_key: str  # base64, as in the DNS record


@event_type("DkimKeyActivated", topic=Topic.DECISIONS, key="tenant_id")
class DkimKeyActivated(Event):
    """Mail is signed by this key from now on; the one before stays published for the grace."""

    tenant_id: str
    domain_id: str
    selector: str
    algorithm: str
    before: str  # selector of the key that signed until now; empty: none did
    grace_s: int


@event_type("DkimKeyRetired", topic=Topic.DECISIONS, key="tenant_id")
class DkimKeyRetired(Event):
    """The key never signs again; its private half is destroyed and its record may go."""

    tenant_id: str
    domain_id: str
    selector: str
    reason: str


class KeyState(StrEnum):
    """Where a DKIM key stands. The first one of an algorithm is active at once."""

    PENDING = "pending"  # to be published, then activated
    ACTIVE = "active"  # signs
    RETIRING = "retiring"  # signed until the next one took over; its record is still needed
    RETIRED = "retired"


@dataclass(frozen=True)
class Key:
    """The public half of a DKIM key."""

    algorithm: str
    public_key: str
    state: KeyState


def refuse_third(keys: Mapping[str, Key], algorithm: str) -> None:
    """Raises WrongState when an algorithm has as many keys as it may."""
    living = [
        f"{name} ({key.state})"
        for name, key in sorted(keys.items())
        if key.algorithm == algorithm and key.state is not KeyState.RETIRED
    ]
    if len(living) >= KEYS_MAX:
        cure = "activate the pending one, or retire the one that does not sign"
        raise WrongState(f"algorithm: {algorithm} has {' and '.join(living)} already; {cure}")
