"""A lead list and its imports. Addresses and merge fields live in the contact vault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from domain.event import Event, Privacy, Topic, Unit, event_type
from domain.lead import LEADS_MAX
from domain.refusals import Invalid, NotFound, WrongState


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


@event_type("ListArchived", topic=Topic.DECISIONS, key="tenant_id")
class ListArchived(Event):
    """The list is offered no more, and takes no more leads; its members stay."""

    tenant_id: str
    list_id: str


@event_type("LeadsAdded", topic=Topic.DECISIONS, key="tenant_id")
class LeadsAdded(Event):
    """These contacts are members of the list now, and were not before."""

    tenant_id: str
    list_id: str
    contact_ids: Annotated[list[str], Privacy.PSEUDONYM]


@event_type("LeadsRemoved", topic=Topic.DECISIONS, key="tenant_id")
class LeadsRemoved(Event):
    """These contacts are members of the list no more."""

    tenant_id: str
    list_id: str
    contact_ids: Annotated[list[str], Privacy.PSEUDONYM]


@event_type("ImportRolledBack", topic=Topic.DECISIONS, key="tenant_id")
class ImportRolledBack(Event):
    """What only this import had brought is gone again."""

    tenant_id: str
    list_id: str
    import_id: str
    members: Annotated[int, Unit("leads")]  # out of the list
    contacts: Annotated[int, Unit("leads")]  # out of the vault as well


@event_type("ContactErased", topic=Topic.DECISIONS, key="tenant_id")
class ContactErased(Event):
    """The contact's address and fields are gone from the vault; the log never had them (I10)."""

    tenant_id: str
    contact_id: Annotated[str, Privacy.PSEUDONYM]


# ---- state


@dataclass(frozen=True)
class State:
    """A lead list, or a contact, as its events tell it; `list_id` is empty before it exists."""

    tenant_id: str = ""
    list_id: str = ""
    import_ids: tuple[str, ...] = ()
    rolled_back: tuple[str, ...] = ()
    archived: bool = False
    erased: bool = False  # in a contact's stream


initial = State()


def stream(list_id: str) -> str:
    """The name of the list's event stream."""
    return f"list-{list_id}"


def contact_stream(contact_id: str) -> str:
    """The stream that an erasure goes to: a contact may stand in several lists, or in none."""
    return f"contact-{contact_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case ListCreated():
            return replace(state, tenant_id=event.tenant_id, list_id=event.list_id)
        case LeadsImported():
            return replace(state, import_ids=(*state.import_ids, event.import_id))
        case ImportRolledBack():
            return replace(state, rolled_back=(*state.rolled_back, event.import_id))
        case ListArchived():
            return replace(state, archived=True)
        case ContactErased():
            return replace(state, erased=True)
        case LeadsAdded() | LeadsRemoved():
            return state  # who is a member is the vault's to know: nothing is decided by it
        case _:
            return state


# ---- decisions


def create(state: State, *, tenant_id: str, list_id: str) -> tuple[Event, ...]:
    """Create an empty list."""
    return () if state.list_id else (ListCreated(tenant_id=tenant_id, list_id=list_id),)


@dataclass(frozen=True)
class ImportCounts:
    """What an import came to: rows = imported + duplicates + rejected."""

    rows: int
    imported: int
    duplicates: int
    rejected: int


def record_import(state: State, *, import_id: str, counts: ImportCounts) -> tuple[Event, ...]:
    """Record an import that went in as a whole. Raises NotFound, Invalid when rows are missing."""
    _require(state)
    if import_id in state.import_ids:
        return ()
    parts = (counts.imported, counts.duplicates, counts.rejected)
    if min(parts) < 0 or counts.rows != sum(parts):
        raise Invalid(
            f"rows: {counts.rows} is not imported + duplicates + rejected {parts}; recount"
        )
    recorded = LeadsImported(
        tenant_id=state.tenant_id,
        list_id=state.list_id,
        import_id=import_id,
        rows=counts.rows,
        imported=counts.imported,
        duplicates=counts.duplicates,
        rejected=counts.rejected,
    )
    return (recorded,)


def roll_back(state: State, *, import_id: str, members: int, contacts: int) -> tuple[Event, ...]:
    """Record that an import was taken back. Raises NotFound for one that the list never had."""
    _require(state)
    if import_id in state.rolled_back:
        return ()
    if import_id not in state.import_ids:
        raise NotFound("import_id: there is no such import into this list; name one that is done")
    gone = ImportRolledBack(
        tenant_id=state.tenant_id,
        list_id=state.list_id,
        import_id=import_id,
        members=members,
        contacts=contacts,
    )
    return (gone,)


def archive(state: State) -> tuple[Event, ...]:
    """Offer the list no more. Raises NotFound."""
    _require(state)
    gone = ListArchived(tenant_id=state.tenant_id, list_id=state.list_id)
    return () if state.archived else (gone,)


def add_leads(state: State, *, contact_ids: Sequence[str]) -> tuple[Event, ...]:
    """Tell who became a member. Raises NotFound, WrongState for an archived list, Invalid."""
    require_open(state)
    _check_count(contact_ids)
    added = LeadsAdded(
        tenant_id=state.tenant_id, list_id=state.list_id, contact_ids=list(contact_ids)
    )
    return (added,) if contact_ids else ()


def remove_leads(state: State, *, contact_ids: Sequence[str]) -> tuple[Event, ...]:
    """Tell who is a member no more. Raises NotFound, Invalid."""
    _require(state)
    _check_count(contact_ids)
    removed = LeadsRemoved(
        tenant_id=state.tenant_id, list_id=state.list_id, contact_ids=list(contact_ids)
    )
    return (removed,) if contact_ids else ()


def require_open(state: State) -> tuple[Event, ...]:
    """No event: the list is there and takes leads. Raises NotFound, WrongState."""
    _require(state)
    if state.archived:
        raise WrongState("list_id: the list is archived; use another one")
    return ()


def _require(state: State) -> None:
    if not state.list_id:
        raise NotFound("list_id: there is no such lead list; create it first")


def _check_count(contact_ids: Sequence[str]) -> None:
    if len(contact_ids) > LEADS_MAX:
        raise Invalid(f"lead_ids: at most {LEADS_MAX} at once; send several requests")


def erase_contact(state: State, *, tenant_id: str, contact_id: str) -> tuple[Event, ...]:
    """Record that the vault forgot a contact; goes to `contact_stream`, whatever the lists."""
    return () if state.erased else (ContactErased(tenant_id=tenant_id, contact_id=contact_id),)
