"""A domain that a tenant signs and sends as, once its DNS records are seen."""

from __future__ import annotations

from domain.event import Event, Topic, event_type


@event_type("DomainAdded", topic=Topic.DECISIONS, key="tenant_id")
class DomainAdded(Event):
    """The tenant claims a domain; its records are not yet seen."""

    tenant_id: str
    domain_id: str
    domain: str


@event_type("DkimKeyCreated", topic=Topic.DECISIONS, key="tenant_id")
class DkimKeyCreated(Event):
    """A signing key exists under a selector. The private half stays in Postgres."""

    tenant_id: str
    domain_id: str
    selector: str
    algorithm: str  # rsa or ed25519
    public_key: str  # base64, as in the DNS record


@event_type("DomainVerified", topic=Topic.DECISIONS, key="tenant_id")
class DomainVerified(Event):
    """Every record that sending needs was seen at the domain's servers."""

    tenant_id: str
    domain_id: str
    checks: list[str]


@event_type("DomainVerificationFailed", topic=Topic.DECISIONS, key="tenant_id")
class DomainVerificationFailed(Event):
    """Records are missing or differ; `missing` names them."""

    tenant_id: str
    domain_id: str
    missing: list[str]
