"""Reputation: `step(state, input)` → the state after it, and the scores that moved by it.

Pure, as the governor's: time comes in the input. What is counted within a minute comes to the same
in any order, as scores are taken when the minute is over; how often Ticked comes changes nothing.
"""

from __future__ import annotations

from functools import singledispatch

from domain.event import Event
from domain.governor.inputs import (
    Attempted,
    Bounced,
    Complained,
    DnsChecked,
    ListingSeen,
    Overridden,
    PlanChosen,
    Scopes,
    SpamRateReported,
    Started,
    Ticked,
)
from domain.governor.profiles import profile_of
from domain.reputation import clock
from domain.reputation.draft import Draft
from domain.reputation.inputs import (
    AlignmentReported,
    DomainListed,
    Engaged,
    NameChecked,
    Told,
    TrapsHit,
)
from domain.reputation.judging import counted
from domain.reputation.state import Owner, State, Track
from domain.reputation.weights import JUMP_FLOOR, MILLION


def step(state: State, event: Told) -> tuple[State, tuple[Event, ...]]:
    """Fold one input in. Repeating one counts it again: who feeds it keeps a cursor."""
    draft = Draft(state)
    clock.go_on(draft, event.at_s)
    _fold(event, draft)
    return draft.done()


@singledispatch
def _fold(event: object, _draft: Draft) -> None:
    raise TypeError(f"reputation knows no {type(event).__name__}")


@_fold.register
def _no_matter(_event: Ticked | PlanChosen | Overridden, _draft: Draft) -> None:
    """Time has gone on already; what people choose and order changes no reputation."""


@_fold.register
def _started(event: Started, draft: Draft) -> None:
    for track in _tracks(draft, event.scopes):
        track.started += event.count
        if track.before:
            ratio = track.started * MILLION // max(track.before, JUMP_FLOOR)
            track.counts["jump"] = max(track.counts.get("jump", 0), ratio)


@_fold.register
def _attempted(event: Attempted, draft: Draft) -> None:
    found = counted(event.findings)
    told = found.accepted if profile_of(event.scopes.provider).feedback else 0
    for track in _tracks(draft, event.scopes):
        track.accepted += found.accepted
        for name, count in (
            ("attempts", found.attempts),
            ("accepted", found.accepted),
            ("told", told),
            ("hard_of", found.accepted + found.hard),
            ("hard", found.hard),
            ("blocked_of", found.attempts),
            ("blocked", found.blocked),
            ("deferred_of", found.attempts),
            ("deferred", found.deferred),
        ):
            if count:
                track.add(name, count * MILLION)


@_fold.register
def _complained(event: Complained, draft: Draft) -> None:
    for track in _tracks(draft, event.scopes):
        track.add("complaints", event.count * MILLION)


@_fold.register
def _bounced(event: Bounced, draft: Draft) -> None:
    """Mail came back: its attempt was counted when it was accepted."""
    for track in _tracks(draft, event.scopes):
        track.add("hard", event.count * MILLION)


@_fold.register
def _reported(event: SpamRateReported, draft: Draft) -> None:
    """A day's mail becomes evidence with the report alone, where no feedback loop tells."""
    if profile_of(event.scopes.provider).feedback:
        return
    for track in _tracks(draft, event.scopes):
        messages = event.messages or track.accepted_before
        if messages:
            track.add("told", messages * MILLION)
            track.add("complaints", round(event.share * MILLION) * messages)


@_fold.register
def _hit(event: TrapsHit, draft: Draft) -> None:
    for track in _tracks(draft, event.scopes):
        track.add("traps", event.count * MILLION)


@_fold.register
def _engaged(event: Engaged, draft: Draft) -> None:
    for track in _tracks(draft, event.scopes):
        track.engaged += event.count


@_fold.register
def _ip_listed(event: ListingSeen, draft: Draft) -> None:
    _list(draft.owner(event.tenant_id, "ip", event.ip), event)


@_fold.register
def _domain_listed(event: DomainListed, draft: Draft) -> None:
    _list(draft.owner(event.tenant_id, "domain", event.domain_id), event)


def _list(owner: Owner, event: ListingSeen | DomainListed) -> None:
    if event.listed:
        owner.listings[event.zone] = event.tier
    else:
        owner.listings.pop(event.zone, None)


@_fold.register
def _name_checked(event: NameChecked, draft: Draft) -> None:
    draft.owner(event.tenant_id, "ip", event.ip).nameless = not event.passed


@_fold.register
def _dns_checked(event: DnsChecked, draft: Draft) -> None:
    draft.owner(event.tenant_id, "domain", event.domain_id).unverified = not event.passed


@_fold.register
def _alignment(event: AlignmentReported, draft: Draft) -> None:
    owner = draft.owner(event.tenant_id, "domain", event.domain_id)
    owner.add("reported", event.messages * MILLION)
    owner.add("unaligned", max(0, event.messages - event.aligned) * MILLION)


def _tracks(draft: Draft, scopes: Scopes) -> list[Track]:
    """The IP's and the domain's towards the provider; a scope without a name has none."""
    owners = ("ip", scopes.ip), ("domain", scopes.domain_id)
    return [
        draft.track(scopes.tenant_id, kind, owner, scopes.provider)
        for kind, owner in owners
        if owner and scopes.provider
    ]
