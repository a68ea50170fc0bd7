"""Decisions about people, invitations, keys, workspaces and staff: twice decides once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import snapshots
from domain import api_key, invitation, membership, staff, staff_visit, workspace
from domain.access import PERMISSIONS, PLATFORM_PERMISSIONS, READ, ROLES, STAFF_ROLES, may_give
from domain.event import REGISTRY, Event
from domain.membership import Granter
from domain.refusals import Refused

AGGREGATES = (membership, invitation, api_key, workspace, staff, staff_visit)
EACH = pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda module: module.__name__)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
Deed = Callable[[Any], tuple[Event, ...]]

WHO = st.sampled_from(["a", "b", "c"])
TEN = st.just("t")
ROLE = st.sampled_from([*ROLES, "odd"])
PLACES = st.none() | st.lists(st.sampled_from(["w", "v"]), max_size=2).map(tuple)
WHY = st.sampled_from([*membership.REASONS[:2], "odd"])
BY = st.builds(
    Granter,
    st.sampled_from(sorted(ROLES)).map(lambda role: ROLES[role]),
    st.none() | st.just(frozenset({"w"})),
)
MOMENTS = st.integers(0, 9).map(lambda days: NOW + timedelta(days=days))
GRANTS = st.builds(
    api_key.Grant,
    role=st.sampled_from(["", "viewer", "owner", "odd"]),
    scopes=st.lists(st.sampled_from(["leads:read", "leads:write", "odd"]), max_size=2).map(tuple),
    workspace_ids=PLACES,
    test=st.booleans(),
    expires_at=st.none() | MOMENTS,
)


def deed(decide: Any, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Deed]:
    return st.builds(partial, st.just(decide), **arguments)


def touch(decide: Any, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Deed]:
    return deed(decide, tenant_id=TEN, user_id=WHO, by=BY, reason=WHY, **more)


DEEDS: dict[ModuleType, st.SearchStrategy[Deed]] = {
    membership: st.one_of(
        touch(membership.grant, role=ROLE, workspace_ids=PLACES),
        touch(membership.change, role=ROLE, workspace_ids=PLACES),
        *(touch(decide) for decide in (membership.disable, membership.enable, membership.end)),
    ),
    invitation: st.one_of(
        deed(
            invitation.send,
            tenant_id=TEN,
            invitation_id=st.just("i"),
            role=ROLE,
            workspace_ids=PLACES,
            by=BY,
            now=MOMENTS,
        ),
        deed(invitation.revoke),
        deed(invitation.accept, user_id=WHO, now=MOMENTS),
    ),
    api_key: st.one_of(
        deed(api_key.create, tenant_id=TEN, key_id=st.just("k"), wanted=GRANTS, by=BY, now=MOMENTS),
        deed(api_key.shorten, until=MOMENTS),
        deed(api_key.revoke, reason=st.sampled_from([*api_key.REASONS, "odd"])),
    ),
    workspace: st.one_of(
        deed(workspace.create, tenant_id=TEN, workspace_id=st.just("w")),
        deed(workspace.rename, label_key=WHO),
        deed(workspace.archive),
    ),
    staff: st.one_of(
        deed(staff.add, staff_id=WHO, role=st.sampled_from([*STAFF_ROLES, "odd"])),
        deed(staff.change, staff_id=WHO, role=st.sampled_from([*STAFF_ROLES, "odd"])),
        deed(staff.remove, staff_id=WHO),
    ),
    staff_visit: deed(
        staff_visit.enter,
        tenant_id=TEN,
        staff_id=WHO,
        reason=st.sampled_from([*staff_visit.REASONS, "odd"]),
        day=st.just(NOW.date()),
    ),
}


@dataclass(frozen=True)
class Story:
    """An aggregate and things done to it."""

    aggregate: ModuleType
    deeds: Sequence[Deed]


STORIES = st.sampled_from(AGGREGATES).flatmap(
    lambda aggregate: st.builds(
        Story, st.just(aggregate), st.lists(DEEDS[aggregate], min_size=1, max_size=8)
    )
)


def decided(decide: Deed, state: Any) -> tuple[Event, ...] | None:
    """The events, or None when refused."""
    try:
        return decide(state)
    except Refused as refusal:
        field, _, cure = str(refusal).partition(": ")
        assert field.isidentifier()
        assert cure
        return None


@given(STORIES)
@settings(max_examples=400, deadline=None)
def test_a_decision_taken_twice_decides_once(story: Story) -> None:
    """And a refusal names the field and the cure; and a state survives its snapshot."""
    state = story.aggregate.initial
    for decide in story.deeds:
        events = decided(decide, state)
        state = reduce(story.aggregate.evolve, events or (), state)
        if events:
            assert decided(decide, state) == ()

    assert snapshots.load(type(state), snapshots.dump(state)) == state


@EACH
def test_each_of_its_events_changes_its_state(aggregate: ModuleType) -> None:
    own = [one.cls for one in REGISTRY.values() if one.cls.__module__ == aggregate.__name__]

    assert own
    assert {cls.__name__ for cls in own} <= set(aggregate.evolve.__code__.co_names)


@given(st.lists(DEEDS[membership], max_size=12))
@settings(max_examples=300, deadline=None)
def test_a_tenant_that_had_an_owner_keeps_one(deeds: list[Deed]) -> None:
    founded = partial(
        membership.grant,
        tenant_id="t",
        user_id="a",
        role="owner",
        workspace_ids=None,
        by=Granter(PERMISSIONS),
        reason="signed_up",
    )
    state = membership.initial
    story: list[Deed] = [founded, *deeds]
    for decide in story:
        state = reduce(membership.evolve, decided(decide, state) or (), state)
        assert state.owners


@given(STORIES)
@settings(max_examples=300, deadline=None)
def test_nobody_gives_what_they_do_not_have(story: Story) -> None:
    """Whatever was granted, invited or made lies within the permissions of who did it."""
    state = story.aggregate.initial
    for decide in story.deeds:
        events = decided(decide, state) or ()
        by = decide.keywords.get("by")  # type: ignore[attr-defined]
        for event in events:
            if role := getattr(event, "role", "") if by else "":
                test = getattr(event, "test", False)
                allowed = ROLES[role] & READ if test else ROLES[role]
                assert allowed <= by.permissions
            if by and by.workspace_ids is not None and hasattr(event, "workspace_ids"):
                assert event.workspace_ids is not None
                assert set(event.workspace_ids) <= by.workspace_ids
        state = reduce(story.aggregate.evolve, events, state)


@pytest.mark.parametrize(
    ("giver", "given_roles"),
    [
        ("owner", {"owner", "admin", "manager", "member", "viewer"}),
        ("admin", {"admin", "manager", "member", "viewer"}),
        ("manager", {"manager", "member", "viewer"}),
        ("member", {"member", "viewer"}),
        ("viewer", {"viewer"}),
    ],
)
def test_the_roles_stand_in_this_order(giver: str, given_roles: set[str]) -> None:
    """Whether a role may give any at all is its permission users:write."""
    assert {role for role in ROLES if may_give(ROLES[giver], role)} == given_roles


def test_no_role_of_a_tenant_may_what_only_the_platform_may() -> None:
    assert not [role for role in ROLES if ROLES[role] & PLATFORM_PERMISSIONS]
    assert not PERMISSIONS & PLATFORM_PERMISSIONS


def test_support_may_look_at_nothing_personal_and_change_nothing() -> None:
    support = STAFF_ROLES["support"]

    assert not support & {"leads:read", "sends:read", "exports:read", "users:read"}
    assert not [permission for permission in support if not permission.endswith(":read")]
