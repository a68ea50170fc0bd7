"""Every decision of every aggregate: twice decides once, and folding never fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from functools import partial, reduce
from types import ModuleType
from typing import Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import snapshots
from domain import (
    campaign,
    ip_pool,
    lead_list,
    mailbox,
    quarantine,
    scheduling,
    sending_domain,
    sending_ip,
    suppression,
    template,
    tenant,
    vps,
)
from domain.dkim_keys import ALGORITHMS
from domain.event import REGISTRY, Event, fields_of
from domain.platform import PLATFORM
from domain.refusals import Refused
from domain.sending import Priority

AGGREGATES = (
    campaign,
    ip_pool,
    lead_list,
    mailbox,
    sending_domain,
    sending_ip,
    suppression,
    template,
    tenant,
    vps,
)
EACH = pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda module: module.__name__)
IDS = st.sampled_from(["a", "b"])
SELECTORS = ("s1", "s2", "s3")
COUNTS = st.integers(0, 3)
MOMENTS = st.integers(0, 3).map(lambda days: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
Deed = Callable[[Any], tuple[Event, ...]]


@dataclass(frozen=True)
class Story:
    """An aggregate and things done to it."""

    aggregate: ModuleType
    deeds: Sequence[Deed]


def deed(decide: Any, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Deed]:
    return st.builds(partial, st.just(decide), **arguments)


TEXT = st.sampled_from(["", "x", "y"])
DRAFTS = st.builds(
    campaign.CampaignDrafted,
    tenant_id=IDS,
    campaign_id=st.just("c"),
    template_id=IDS,
    content_id=IDS,
    list_ids=st.lists(IDS, max_size=2),
    sender_id=IDS,
    domain_id=IDS,
    ips=st.lists(IDS, max_size=2),
    priority=st.sampled_from([*Priority, "odd"]),
    message_class=st.sampled_from([*campaign.MESSAGE_CLASSES, "odd"]),
    sign=st.sampled_from([*campaign.SIGNATURES, "odd"]),
    expire_after_s=st.integers(-1, 100),
)


def revised(drafted: campaign.CampaignDrafted) -> campaign.CampaignRevised:
    """A revision that makes a draft what this one is."""
    plan = {part.name: getattr(drafted, part.name) for part in fields(drafted)}
    return campaign.CampaignRevised(**plan)


A_DRAFT = campaign.CampaignDrafted(
    tenant_id="a",
    campaign_id="c",
    template_id="t",
    content_id="n",
    list_ids=["l"],
    sender_id="s",
    domain_id="d",
    ips=["i"],
    priority="normal",
    message_class="bulk",
    sign="rsa",
    expire_after_s=60,
)
OUTCOMES = st.dictionaries(st.sampled_from(["accepted", "rejected", "deferred"]), COUNTS)
EGRESSES = st.builds(
    sending_ip.Egress, TEXT, st.sampled_from(["mx", "relay", "odd"]), TEXT, st.integers(-1, 70000)
)
WARMUPS = st.builds(
    sending_ip.Warmup,
    st.sampled_from([*sending_ip.PLANS, "odd"]),
    st.sampled_from([(), (5, 9), (9, 5), (0,)]),
    st.sampled_from([-1, 0, 5]),
)
REACHES = st.builds(
    suppression.Reach, st.sampled_from(suppression.Scope), st.sampled_from(["", "bulk"])
)
MAILBOXES = st.builds(
    mailbox.MailboxCreated,
    tenant_id=st.just("a"),
    mailbox_id=st.just("m"),
    domain_id=IDS,
    daily_limit=st.sampled_from([-1, 50, 60]),
    warmup_wanted=st.booleans(),
)
DEEDS: dict[ModuleType, st.SearchStrategy[Deed]] = {
    campaign: st.one_of(
        deed(campaign.draft, drafted=DRAFTS),
        deed(campaign.draft, drafted=st.just(A_DRAFT)),
        deed(
            campaign.revise,
            revised=DRAFTS.map(revised),
            revision=st.integers(0, 3),
        ),
        deed(scheduling.schedule, at=MOMENTS),
        deed(scheduling.unschedule),
        deed(scheduling.block, at=MOMENTS, reasons=st.lists(TEXT, max_size=2)),
        deed(campaign.launch, now=MOMENTS),
        deed(campaign.pause, reason=TEXT),
        deed(campaign.resume),
        deed(campaign.cancel, reason=TEXT),
        deed(campaign.finish, requested=COUNTS, outcomes=OUTCOMES),
    ),
    ip_pool: st.one_of(
        deed(ip_pool.create, tenant_id=IDS, pool_id=IDS),
        deed(ip_pool.add_ip, ip=IDS),
        deed(ip_pool.remove_ip, ip=IDS),
        deed(ip_pool.retire, reason=TEXT),
    ),
    lead_list: st.one_of(
        deed(lead_list.create, tenant_id=IDS, list_id=IDS),
        deed(
            lead_list.record_import,
            import_id=IDS,
            counts=st.builds(lead_list.ImportCounts, COUNTS, COUNTS, COUNTS, COUNTS),
        ),
        deed(lead_list.erase_contact, tenant_id=IDS, contact_id=IDS),
    ),
    sending_domain: st.one_of(
        deed(
            sending_domain.add,
            tenant_id=IDS,
            domain_id=IDS,
            domain=st.sampled_from(["a.example", "b.example", "No Host"]),
        ),
        deed(
            sending_domain.create_key,
            selector=st.sampled_from([*SELECTORS, "-"]),
            algorithm=st.sampled_from([*ALGORITHMS, "odd"]),
            public_key=TEXT,
        ),
        deed(sending_domain.activate_key, selector=st.sampled_from(SELECTORS)),
        deed(sending_domain.retire_key, selector=st.sampled_from(SELECTORS), reason=TEXT),
        deed(sending_domain.give_up),
        deed(
            sending_domain.record_check,
            seen=st.lists(TEXT, max_size=2),
            missing=st.lists(TEXT, max_size=2),
        ),
        deed(sending_domain.assign_ip, ip=IDS),
        deed(sending_domain.unassign_ip, ip=IDS),
        deed(sending_domain.remove, reason=TEXT),
    ),
    sending_ip: st.one_of(
        deed(sending_ip.add, tenant_id=IDS, ip=IDS, egress=EGRESSES),
        deed(
            sending_ip.set_cap,
            provider=st.sampled_from(["*", "google", ""]),
            cap_per_day=st.none() | st.integers(-1, 5),
            reason=TEXT,
        ),
        deed(
            sending_ip.set_rate,
            provider=st.sampled_from(["*", "google"]),
            rate_per_s=st.floats(),
            burst=COUNTS,
            reason=TEXT,
        ),
        deed(sending_ip.place, vps_id=IDS),
        deed(
            sending_ip.choose_plan,
            provider=st.sampled_from(["*", "google", ""]),
            warmup=WARMUPS,
            reason=TEXT,
            force=st.booleans(),
        ),
        deed(quarantine.begin, reason=TEXT),
        deed(quarantine.end, reason=TEXT),
        deed(sending_ip.retire, reason=TEXT),
    ),
    suppression: st.one_of(
        deed(
            suppression.suppress,
            who=st.builds(
                suppression.Subject,
                st.sampled_from(["a", PLATFORM]),
                st.just("c"),
                st.sampled_from(["", "hash"]),
            ),
            reach=REACHES,
            reason=st.sampled_from([*suppression.REASONS, "policy"]),
            evidence=TEXT,
        ),
        deed(suppression.lift, reason=TEXT, reach=REACHES),
    ),
    template: st.one_of(
        deed(template.create, tenant_id=IDS, template_id=IDS),
        deed(template.publish, content_id=IDS, variables=st.lists(TEXT, max_size=3)),
        deed(template.archive),
        deed(template.restore),
    ),
    mailbox: st.one_of(  # not its credentials: each time they are new ones
        deed(mailbox.create, created=MAILBOXES),
        deed(mailbox.set_limit, daily_limit=st.integers(-1, 3000)),
        deed(mailbox.choose_warmup, wanted=st.booleans()),
        deed(mailbox.pause, reason=TEXT),
        deed(mailbox.resume),
        deed(mailbox.remove, reason=TEXT),
    ),
    vps: st.one_of(
        deed(vps.register, tenant_id=IDS, vps_id=IDS, region=TEXT),
        deed(vps.activate),
        deed(vps.begin_maintenance, reason=TEXT),
        deed(vps.decommission, reason=TEXT),
    ),
    tenant: st.one_of(
        deed(tenant.create, tenant_id=IDS),
        deed(tenant.suspend, reason=TEXT),
        deed(tenant.restore),
        deed(tenant.set_daily_limit, daily_limit=st.none() | st.integers(-1, 9), reason=TEXT),
        deed(tenant.request_deletion, now=MOMENTS),
        deed(tenant.cancel_deletion),
        deed(tenant.delete, now=MOMENTS | MOMENTS.map(lambda day: day + tenant.DELETION_WINDOW)),
    ),
}
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
@settings(max_examples=300, deadline=None)
def test_a_decision_taken_twice_decides_once(story: Story) -> None:
    """And a refusal names the field and the cure."""
    state = story.aggregate.initial
    for decide in story.deeds:
        events = decided(decide, state)
        state = reduce(story.aggregate.evolve, events or (), state)
        if events:
            assert decided(decide, state) == ()


@given(STORIES)
@settings(max_examples=150, deadline=None)
def test_a_state_survives_its_snapshot(story: Story) -> None:
    state = story.aggregate.initial
    for decide in story.deeds:
        state = reduce(story.aggregate.evolve, decided(decide, state) or (), state)

    assert snapshots.load(type(state), snapshots.dump(state)) == state


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of an event's field."""
    args = get_args(hint)
    if type(None) in args:
        return st.none() | values(next(one for one in args if one is not type(None)))
    origin = get_origin(hint)
    if origin is NotRequired:
        return values(args[0])
    if origin is list:
        return st.lists(values(args[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(TEXT, values(args[1]), max_size=2)
    if is_typeddict(hint):
        return st.fixed_dictionaries({k: values(v) for k, v in get_type_hints(hint).items()})
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXT,
        bool: st.booleans(),
        int: COUNTS,
        float: st.floats(),
        datetime: MOMENTS,
        date: st.dates(),
    }
    return plain[hint]


EVENTS = st.sampled_from(sorted(REGISTRY)).flatmap(
    lambda name: st.builds(
        REGISTRY[name].cls,
        **{field.name: values(field.type) for field in fields_of(REGISTRY[name].cls)},
    )
)


@given(st.lists(EVENTS, max_size=6))
@settings(max_examples=100, deadline=None)
def test_evolve_takes_any_event_in_any_order(events: list[Event]) -> None:
    """Never raises, and never changes what it was given."""
    for aggregate in AGGREGATES:
        state = reduce(aggregate.evolve, events, aggregate.initial)
        assert isinstance(state, aggregate.State)
        assert aggregate.initial == aggregate.State()


@EACH
def test_each_of_its_events_changes_its_state(aggregate: ModuleType) -> None:
    """No fact of an aggregate is forgotten in its evolve."""
    own = [one.cls for one in REGISTRY.values() if one.cls.__module__ == aggregate.__name__]
    assert own
    source = aggregate.evolve.__code__.co_names
    assert {cls.__name__ for cls in own} <= set(source)


def test_a_settled_campaign_after_a_cancel_stays_cancelled() -> None:
    state = campaign.initial
    for decide in (
        partial(campaign.draft, drafted=A_DRAFT),
        partial(campaign.launch, now=NOW),
        partial(campaign.cancel, reason="a test"),
        partial(campaign.finish, requested=3, outcomes={"accepted": 1, "cancelled": 2}),
    ):
        state = reduce(campaign.evolve, decide(state), state)

    assert (state.status, state.settled) == (campaign.Status.CANCELLED, True)


@given(requested=COUNTS, outcomes=OUTCOMES)
def test_i6_a_campaign_finishes_only_when_all_its_sends_have_ends(
    requested: int, outcomes: dict[str, int]
) -> None:
    state = campaign.State(campaign.Status.RUNNING, A_DRAFT, launched=True)
    events = decided(partial(campaign.finish, requested=requested, outcomes=outcomes), state)

    whole = "deferred" not in outcomes and requested == sum(outcomes.values())
    assert bool(events) == whole


@given(st.lists(st.sampled_from(["x", "y", "z"]), max_size=8))
def test_template_versions_rise_by_one_with_each_change(contents: list[str]) -> None:
    state = template.State("ten", "tpl")
    for content_id in contents:
        before = state
        events = template.publish(state, content_id=content_id, variables=())
        state = reduce(template.evolve, events, state)
        changed = before.content_id != content_id
        assert state.template_version == before.template_version + changed
        assert state.content_id == content_id


def test_i12_a_policy_answer_never_suppresses() -> None:
    for reason in ("policy", "reputation", "blocked", "greylisted", "mailbox_full"):
        with pytest.raises(Refused, match="never suppresses"):
            suppression.suppress(
                suppression.initial,
                who=suppression.Subject("t", "c"),
                reason=reason,
                evidence="e",
            )
