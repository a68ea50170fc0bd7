"""Whom a tenant must not mail, and why."""

from __future__ import annotations

from typing import Annotated

from domain.event import Event, Privacy, Topic, event_type


@event_type("ContactSuppressed", topic=Topic.DECISIONS, key="tenant_id")
class ContactSuppressed(Event):
    """The contact gets no more mail of the tenant; never for a policy or reputation reply (I12)."""

    tenant_id: str
    contact_id: Annotated[str, Privacy.PSEUDONYM]
    reason: str  # hard_bounce, complaint, unsubscribe, manual, import
    evidence: str  # the rule, event or command behind it


@event_type("SuppressionLifted", topic=Topic.DECISIONS, key="tenant_id")
class SuppressionLifted(Event):
    """The contact may be mailed again."""

    tenant_id: str
    contact_id: Annotated[str, Privacy.PSEUDONYM]
    reason: str
