"""Suppressions by command: whom not to mail, as far as a scope goes; lift them; look them up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from adapters.contacts.lead_rows import BadRow, check_address
from adapters.postgres import named_sql
from api import workspaces
from api.desk import Desk
from domain import suppression
from domain.campaign import MESSAGE_CLASSES
from domain.event import Event
from domain.ids import new_id
from domain.platform import PLATFORM
from domain.ports import Decided, Outcome
from domain.refusals import Invalid, NotFound
from domain.suppression import Reach, Scope, Subject, address_hasher, hash_key

SQL = named_sql(Path(__file__).with_name("suppressions.sql"))
EVIDENCE = "asked for over the API"
NO_CONTACT = "contact_id: there is no such contact; name one, or give an address"


@dataclass(frozen=True)
class Wish:
    """One suppression that is asked for, by address or by contact."""

    address: str = ""
    contact_id: str = ""
    reach: Reach = suppression.EVERYTHING
    reason: str = "manual"


@dataclass(frozen=True)
class Done:
    """What became of a wish: whom it is about, or why it was refused."""

    contact_id: str = ""
    created: bool = False
    refusal: str = ""
    position: int | None = None


def suppress(desk: Desk, wish: Wish, evidence: str = EVIDENCE) -> Done:
    """Mail somebody no more, as far as the wish reaches. Repeating changes nothing.

    An address that is nobody's lead yet becomes a contact in no list, and who is imported with it
    later is that contact. Raises Invalid, NotFound.
    """
    check_reach(desk, wish.reach)
    who = _subjects(desk, [wish])[0]
    if isinstance(who, str):
        raise (NotFound if wish.contact_id else Invalid)(who)
    return _decide(desk, who, wish, evidence)


def suppress_all(desk: Desk, wishes: Sequence[Wish], evidence: str = EVIDENCE) -> list[Done]:
    """As `suppress`, of many: each is decided by itself, and one that is refused stops no other."""
    reaches = {reach: _reach_problem(desk, reach) for reach in {wish.reach for wish in wishes}}
    subjects = [
        reaches[wish.reach] or who
        for wish, who in zip(wishes, _subjects(desk, wishes), strict=True)
    ]
    asked = [
        (suppression.stream(who.contact_id), _decision(who, wish, evidence))
        for wish, who in zip(wishes, subjects, strict=True)
        if not isinstance(who, str)
    ]
    outcomes = iter(desk.decide_many(suppression, asked))
    return [
        Done(refusal=who) if isinstance(who, str) else _done(who, next(outcomes))
        for who in subjects
    ]


def _done(who: Subject, outcome: Outcome) -> Done:
    if not isinstance(outcome, Decided):
        return Done(refusal=str(outcome))
    return Done(who.contact_id, bool(outcome.events), position=outcome.position)


def _decide(desk: Desk, who: Subject, wish: Wish, evidence: str) -> Done:
    stream_id = suppression.stream(who.contact_id)
    return _done(who, desk.decide(suppression, stream_id, _decision(who, wish, evidence)))


def _decision(who: Subject, wish: Wish, evidence: str) -> Callable[[Any], Sequence[Event]]:
    return partial(
        suppression.suppress, who=who, reach=wish.reach, reason=wish.reason, evidence=evidence
    )


def _reach_problem(desk: Desk, reach: Reach) -> str:
    try:
        check_reach(desk, reach)
    except (Invalid, NotFound) as refusal:
        return str(refusal)
    return ""


def check_reach(desk: Desk, reach: Reach) -> None:
    """Raises Invalid, NotFound for a scope that is not the asker's to speak of."""
    if reach.scope is Scope.PLATFORM:
        raise Invalid("scope: platform is for the platform's staff; name a scope of the tenant")
    if reach.scope is Scope.MESSAGE_CLASS and reach.target not in MESSAGE_CLASSES:
        raise Invalid(f"target: the message classes are {', '.join(MESSAGE_CLASSES)}; name one")
    if reach.scope is Scope.WORKSPACE:
        _require_workspace(desk, reach.target)
    elif desk.workspace_ids is not None:
        raise Invalid(f"scope: {reach.scope} reaches beyond your workspaces; name a workspace")


def _require_workspace(desk: Desk, workspace_id: str) -> None:
    known = desk.rows(workspaces.KNOWN, workspace_id=workspace_id)
    hidden = desk.workspace_ids is not None and workspace_id not in desk.workspace_ids
    if hidden or not known:
        raise NotFound("target: there is no such workspace; name one of yours")


def _subjects(desk: Desk, wishes: Sequence[Wish]) -> list[Subject | str]:
    """Whom each wish is about; a text says why it is about nobody."""
    hashed = address_hasher(desk.id_key)
    checked = [_checked(wish.address) if wish.address else ("", "") for wish in wishes]
    at = _contacts_at(desk, {address for address, problem in checked if address and not problem})
    known = _contacts(desk, {wish.contact_id for wish in wishes if not wish.address})
    found: list[Subject | str] = []
    for wish, (address, problem) in zip(wishes, checked, strict=True):
        if problem:
            found.append(problem)
        elif address:
            contact_id = at[address.lower()]
            found.append(Subject(desk.tenant_id, contact_id, hashed(address)))
        else:
            found.append(known.get(wish.contact_id, NO_CONTACT))
    return found


def _checked(text: str) -> tuple[str, str]:
    """The address as it is used, and what is wrong with it."""
    try:
        return check_address(text.strip())[0], ""
    except BadRow as bad:
        return "", f"address: {bad}; write it as ann@example.com"


def _contacts_at(desk: Desk, addresses: set[str]) -> dict[str, str]:
    """Contact by address_key."""
    one_each = {address.lower(): address for address in sorted(addresses)}
    if not one_each:
        return {}
    rows = desk.rows(
        SQL["contacts_at"],
        ids=[new_id("lea") for _ in one_each],
        addresses=list(one_each.values()),
        keys=list(one_each),
        domains=[key.rpartition("@")[2] for key in one_each],
    )
    return {row["address_key"]: row["contact_id"] for row in rows}


def _contacts(desk: Desk, contact_ids: set[str]) -> dict[str, Subject]:
    """Those that there are."""
    wanted = sorted(contact_ids - {""})
    if not wanted:
        return {}
    hashed = address_hasher(desk.id_key)
    found = {}
    for row in desk.rows(SQL["contacts"], contact_ids=wanted):
        address = row["address_key"] or row["address"]
        found[row["contact_id"]] = Subject(
            desk.tenant_id, row["contact_id"], hashed(address) if address else ""
        )
    return found


# ---- lifting


def lift(desk: Desk, wish: Wish, reason: str) -> tuple[int, int | None]:
    """Let somebody be mailed again, as far as the wish reaches: how many were lifted, position.

    Also what a contact of the same address left behind that was erased since. What the platform
    suppresses stays so. Raises Invalid, NotFound.
    """
    check_reach(desk, wish.reach)
    who = _known_subject(desk, wish)
    reach = {"scope": wish.reach.scope.value, "target": wish.reach.target}
    ids = {"contact_id": who.contact_id, "address_hash": who.address_hash}
    holding = {row["contact_id"] for row in desk.rows(SQL["holding"], **reach, **ids)}
    lifted, position = 0, None
    for contact_id in sorted(holding | {who.contact_id} - {""}):
        decide = partial(suppression.lift, reach=wish.reach, reason=reason)
        decided = desk.decide(suppression, suppression.stream(contact_id), decide)
        lifted += len(decided.events)
        position = max(filter(None, (position, decided.position)), default=None)
    return lifted, position


AT_ADDRESS = """
SELECT contact_id FROM vault.contact WHERE tenant_id = %(tenant_id)s AND address_key = %(key)s
"""


def _known_subject(desk: Desk, wish: Wish) -> Subject:
    """As `_subjects`, making no contact."""
    if not wish.address:
        who = _contacts(desk, {wish.contact_id}).get(wish.contact_id)
        if who is None:
            raise NotFound(NO_CONTACT)
        return who
    address, problem = _checked(wish.address)
    if problem:
        raise Invalid(problem)
    at = desk.rows(AT_ADDRESS, key=address.lower())
    contact_id = str(at[0]["contact_id"]) if at else ""
    return Subject(desk.tenant_id, contact_id, address_hasher(desk.id_key)(address))


# ---- looking up


def verdicts(
    desk: Desk, addresses: Sequence[str], workspace_id: str, message_class: str
) -> list[Mapping[str, Any]]:
    """Whether each address may be mailed such a mail, and what holds it back. Raises Invalid."""
    keys = []
    for address in addresses:
        found, problem = _checked(address)
        if problem:
            raise Invalid(problem)
        keys.append(found.lower())
    if workspace_id:
        _require_workspace(desk, workspace_id)
    rows = desk.rows(
        SQL["verdicts"],
        keys=keys,
        hash_key=hash_key(desk.id_key),
        workspace_id=workspace_id,
        message_class=message_class,
    )
    by_number = {row.pop("n"): row for row in rows}
    nothing = {"scope": "", "target": "", "reason": "", "since": None}
    return [
        {"address": address, "suppressed": number in by_number} | by_number.get(number, nothing)
        for number, address in enumerate(addresses, start=1)
    ]


# ---- the platform's own


def suppress_everywhere(desk: Desk, address: str, reason: str) -> Decided:
    """Let nobody mail an address, whatever the tenant; the log has its hash. Raises Invalid."""
    who = Subject(PLATFORM, "", _hashed(desk, address))
    decide = partial(
        suppression.suppress,
        who=who,
        reach=Reach(Scope.PLATFORM),
        reason=reason,
        evidence="staff",
    )
    return _platform(desk, who, decide)


def lift_everywhere(desk: Desk, address: str, reason: str) -> Decided:
    """Take that back; no event when nothing is there. Raises Invalid."""
    who = Subject(PLATFORM, "", _hashed(desk, address))
    return _platform(
        desk, who, partial(suppression.lift, reach=Reach(Scope.PLATFORM), reason=reason)
    )


def _platform(desk: Desk, who: Subject, decide: Any) -> Decided:
    own = replace(desk, tenant_id=PLATFORM)
    return own.decide(suppression, suppression.platform_stream(who.address_hash), decide)


def _hashed(desk: Desk, text: str) -> str:
    address, problem = _checked(text)
    if problem:
        raise Invalid(problem)
    return address_hasher(desk.id_key)(address)
