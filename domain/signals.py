"""What the world says about a send after it left: bounces, complaints, opens, clicks, replies.

Ids and codes only: no address, no IP address, no user agent, no text (I10). A signal may be read
before the outcome of its send, and may be told twice.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from domain.event import Event, Privacy, Topic, Unit, event_type

SendId = Annotated[str, Privacy.PSEUDONYM]


class OpenedBy(StrEnum):
    """Who fetched the pixel or the link: a machine's fetch tells nothing of the recipient."""

    HUMAN = "human"
    MACHINE = "machine"


@event_type("BounceReceived", topic=Topic.SIGNALS, key="send_id")
class BounceReceived(Event):
    """A receiving server took the mail and gave it back later (RFC 3464)."""

    tenant_id: str
    send_id: SendId
    kind: str  # hard or soft
    reason: str  # a class of domain/outcomes.py
    code: Annotated[int, Unit("SMTP reply code, 0: none told")]
    enhanced: str  # RFC 3463, empty: none told


@event_type("ComplaintReceived", topic=Topic.SIGNALS, key="send_id")
class ComplaintReceived(Event):
    """The recipient called it spam (RFC 5965)."""

    tenant_id: str
    send_id: SendId
    feedback_type: str  # as the report says: abuse, fraud, virus, other
    source: str  # whose feedback loop


@event_type("OpenObserved", topic=Topic.SIGNALS, key="send_id")
class OpenObserved(Event):
    """The mail's pixel was fetched."""

    tenant_id: str
    send_id: SendId
    kind: str  # an OpenedBy
    rule: str  # that told human from machine


@event_type("ClickObserved", topic=Topic.SIGNALS, key="send_id")
class ClickObserved(Event):
    """A link of the mail was followed."""

    tenant_id: str
    send_id: SendId
    kind: str  # an OpenedBy
    rule: str  # that told human from machine
    link: Annotated[int, Unit("number of the link in the mail, from 0")]


@event_type("UnsubscribeRequested", topic=Topic.SIGNALS, key="send_id")
class UnsubscribeRequested(Event):
    """The recipient wants no more of this mail."""

    tenant_id: str
    send_id: SendId
    via: str  # one_click (RFC 8058), mailto or page


@event_type("ReplyReceived", topic=Topic.SIGNALS, key="send_id")
class ReplyReceived(Event):
    """The recipient answered."""

    tenant_id: str
    send_id: SendId
    kind: str  # human, or automatic: an absence note


@event_type("ListingObserved", topic=Topic.SIGNALS, key="about_id")
class ListingObserved(Event):
    """A DNS blocklist lists a sending IP or a domain, or no longer does (RFC 5782)."""

    tenant_id: str
    about_id: str  # id of the sending IP or sending domain
    zone: str
    listed: bool
    code: str  # the address that the list answered, 127.0.0.0/8; empty: not listed
    tier: Annotated[int, Unit("1 stops mail, 2 and 3 are told")]


@event_type("SpamShareReported", topic=Topic.SIGNALS, key="about_id")
class SpamShareReported(Event):
    """A provider told the share of a day's mail that users called spam (Postmaster Tools, SNDS)."""

    tenant_id: str
    about_id: str  # id of the sending domain or sending IP that it is about
    provider: str
    day: date
    share_ppm: Annotated[int, Unit("parts of a million")]
    messages: Annotated[int, Unit("messages that it was taken of, told or ours; 0: not known")]
    traps: Annotated[int, Unit("messages to spam traps, 0: none told")]
    verdict: str  # green, yellow or red: the provider's filter on the mail; empty: not told
    source: str  # the feed


@event_type("AddressNameChecked", topic=Topic.SIGNALS, key="about_id")
class AddressNameChecked(Event):
    """Whether a sending IP's address has a name that leads back to it and that we greet by."""

    tenant_id: str
    about_id: str  # id of the sending IP
    passed: bool
    problem: str  # no_name, other_address, other_greeting; empty: passed
