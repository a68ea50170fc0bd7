"""A lead list and its imports. Addresses and merge fields live in the contact vault."""

from __future__ import annotations

from typing import Annotated

from domain.event import Event, Privacy, Topic, Unit, event_type


@event_type("ListCreated", topic=Topic.DECISIONS, key="tenant_id")
class ListCreated(Event):
    """An empty lead list exists."""

    tenant_id: str
    list_id: str


@event_type("LeadsImported", topic=Topic.DECISIONS, key="tenant_id")
class LeadsImported(Event):
    """A file of leads came in, as a whole. rows = imported + duplicates + rejected."""

    tenant_id: str
    list_id: str
    import_id: str
    rows: Annotated[int, Unit("rows")]
    imported: Annotated[int, Unit("leads")]
    duplicates: Annotated[int, Unit("rows")]
    rejected: Annotated[int, Unit("rows")]


@event_type("ContactErased", topic=Topic.DECISIONS, key="tenant_id")
class ContactErased(Event):
    """The contact's address and fields are gone from the vault; the log never had them (I10)."""

    tenant_id: str
    contact_id: Annotated[str, Privacy.PSEUDONYM]
