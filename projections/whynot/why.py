"""Why is this not sending? One answer for a campaign, a sending IP or a send."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta

from domain.outcome_rules import OutcomeClass
from domain.sending import Outcome
from projections.reads import Bound
from projections.whynot.binding import Found, binding_of, distinct, moves
from projections.whynot.limits import Limit, of_campaign, of_cell, of_stage
from projections.whynot.reading import SQL, first_look, moving_of, ways_of
from projections.whynot.rows import Campaign, Row, Snapshot, Wait

OTHERS_MAX = 50
OPEN_STATES = ("waiting", Outcome.DEFERRED.value)


@dataclass(frozen=True)
class Answer:
    """`binding`: what stops it, None: nothing does. `others`: what else does or soon may."""

    object: str
    id: str
    state: str
    sending: bool
    binding: Limit | None
    others: tuple[Limit, ...]
    as_of: Row | None

    def as_json(self) -> Row:
        """The fields that scripts rely on."""
        return {
            "object": self.object,
            "id": self.id,
            "state": self.state,
            "sending": self.sending,
            "binding": _told(self.binding) if self.binding else None,
            "others": [_told(one) for one in self.others],
            "as_of": self.as_of,
        }


def _told(limit: Limit) -> Row:
    names = ("limit", "scope", "scope_id", "provider", "rule", "evidence", "lifts_at", "detail")
    return {name: getattr(limit, name) for name in (*names, "cure")}


# ---- a campaign


async def of_a_campaign(
    bound: Bound, campaign_id: str, workspaces: Collection[str] | None = None
) -> Answer | None:
    """None: there is no such campaign, or not in these workspaces."""
    seen = None if workspaces is None else sorted(workspaces)
    decided = await bound.rows(SQL["decided"], campaign_id=campaign_id, workspaces=seen)
    if not decided:
        return None
    snap = await campaign_look(bound, campaign_id, decided[0])
    state = snap.campaigns[campaign_id].state
    return _answer("campaign", campaign_id, state, snap, binding_of(snap))


async def campaign_look(
    bound: Bound, campaign_id: str, decided: Row | None = None, *, only_if_still: bool = False
) -> Snapshot:
    """What decides about one campaign. `decided`: its row of the read model, if it is known.

    `only_if_still`: what is on its ways is left out while something moves.
    """
    snap = await first_look(bound, [campaign_id])
    found = snap.campaigns.get(campaign_id) or Campaign(campaign_id, bound.tenant_id, "launching")
    if decided:
        state = found.state
        if state == "launching" and decided["state"] in {"draft", "scheduled", "cancelled"}:
            state = decided["state"]
        known = {"reason": decided["reason"], "scheduled_at": decided["scheduled_at"]}
        found = replace(found, state=state, **known)
    snap = replace(snap, campaigns={campaign_id: found})
    return snap if only_if_still and moves(snap) else await ways_of(bound, snap)


def _answer(kind: str, name: str, state: str, snap: Snapshot, found: Found) -> Answer:
    others = [limit for limit in distinct(found.limits) if limit != found.binding]
    return Answer(
        kind, name, state, moves(snap), found.binding, tuple(others[:OTHERS_MAX]), _as_of(snap)
    )


def _as_of(snap: Snapshot) -> Row | None:
    """How far the schedule, whose rows these are, follows the log."""
    age_s = snap.stage.schedule_age_s
    if age_s is None:
        return None
    caught_up_at = (snap.stage.now - timedelta(seconds=age_s)).astimezone(UTC)
    return {"caught_up_at": caught_up_at, "age_s": age_s, "lag_records": snap.stage.lag_records}


# ---- a sending IP


async def of_an_ip(bound: Bound, ip: str) -> Answer | None:
    """None: the tenant has no such sending IP."""
    known, using, moving = await bound.several(
        (SQL["ip"], {"ip": ip}), (SQL["using"], {"ip": ip}), (SQL["moving_from"], {"ip": ip})
    )
    if not known:
        return None
    snap = _only(await first_look(bound, [row["campaign_id"] for row in using]), ip)
    today = snap.stage.now.astimezone(UTC).date()
    met = await bound.rows(SQL["met"], ip=ip, today=today)
    snap = await ways_of(bound, snap, [ip], [row["provider"] for row in met])
    return ip_answer(replace(snap, moving=[moving_of(row) for row in moving]), ip)


def _only(snap: Snapshot, ip: str) -> Snapshot:
    """As if each campaign had this IP alone."""
    alone = {name: replace(campaign, ips=(ip,)) for name, campaign in snap.campaigns.items()}
    return replace(snap, campaigns=alone)


def ip_answer(snap: Snapshot, ip: str) -> Answer:
    """Pure. What holds for everybody, and the IP itself, come before what campaigns meet."""
    own = next(one for one in snap.ips if one.ip == ip and not one.spare_of)
    snap = replace(snap, ips=[own])
    providers = sorted({provider for _, provider in snap.cells}) or [""]
    here = [limit for provider in providers for limit in of_cell(snap, own, provider)]
    first = [*of_stage(snap.stage), *_suspended(snap)]
    first += [limit for limit in here if limit.limit == "ips"]
    found = binding_of(_wanting(snap))
    binding = next(iter(first), found.binding)
    if binding is None and not moves(snap):
        shut = (one for one in here if one.binds and (one.limit, one.scope) == ("breaker", "ip"))
        binding = next(shut, None if found.waits else _demand(snap, ip))
    limits = (*first, *found.limits, *here)
    return _answer("sending_ip", ip, own.out or "active", snap, Found(binding, limits))


def _suspended(snap: Snapshot) -> list[Limit]:
    found = [limit for one in snap.campaigns.values() for limit in of_campaign(one, (), moves=True)]
    return [limit for limit in found if limit.limit == "tenant"]


def _wanting(snap: Snapshot) -> Snapshot:
    """Of campaigns that run alone, and of these what waits."""
    running = {name: one for name, one in snap.campaigns.items() if one.state == "running"}
    waits = [wait for wait in snap.waits if wait.campaign_id in running and wait.sends]
    named = {wait.campaign_id for wait in waits}
    running = {name: one for name, one in running.items() if name in named}
    return replace(snap, campaigns=running, waits=waits)


def _demand(snap: Snapshot, ip: str) -> Limit:
    states = [one.state for one in snap.campaigns.values()]
    evidence = {"campaigns": {state: states.count(state) for state in sorted(set(states))}}
    held = bool(states)
    return Limit(
        "demand", "ip", ip, "", "campaigns_held" if held else "nothing_waits", evidence,
        "no campaign that runs and may use it has mail waiting" if held else
        "no campaign that may use it has mail waiting",
        "resume one of its campaigns" if held else "launch a campaign that uses it",
    )  # fmt: skip


# ---- a send


async def of_a_send(
    bound: Bound,
    send_id: str,
    workspaces: Collection[str] | None = None,
    hash_key: bytes = b"",
) -> Answer | None:
    """None: there is no such send, or of no campaign in these workspaces."""
    seen = None if workspaces is None else sorted(workspaces)
    rows = await bound.rows(SQL["send"], send_id=send_id, workspaces=seen)
    if not rows:
        return None
    send = rows[0]
    where = {"batch_id": send["batch_id"], "idx": send["idx"]}
    contact = {name: send[name] for name in ("contact_id", "campaign_id")}
    waiting, release, suppressed, fact = await bound.several(
        (SQL["waiting"], where),
        (SQL["release"], where),
        (SQL["suppressed"], contact | {"hash_key": hash_key}),
        (SQL["fact"], where | {"state": send["state"]}),
    )
    send |= {"fact": fact[0] if fact else {}}
    snap = await first_look(bound, [send["campaign_id"]])
    waits, moving = _wait_of(send, waiting), [moving_of(row) for row in release]
    name = send["campaign_id"]
    campaign = snap.campaigns.get(name) or Campaign(name, bound.tenant_id, "launching")
    planned = replace(campaign, total=campaign.total or 0)  # as this send is
    snap = replace(snap, campaigns={name: planned}, waits=waits, moving=moving)
    snap = await ways_of(bound, snap, providers=[send["provider"]])
    return send_answer(snap, send, suppressed)


def _wait_of(send: Row, waiting: Sequence[Row]) -> list[Wait]:
    about = {name: send[name] for name in ("campaign_id", "provider", "zone", "send_id")}
    if not waiting:
        return []
    (row,) = waiting
    if send["parked"]:
        return [Wait(**about, parked=1, parked_why=send["parked"])]
    why = {"reason": send["reason"], "code": send["code"], "enhanced": send["enhanced"]}
    why |= send["fact"] | {"n": row["n"], "expires_at": row["expires_at"]}
    about |= {"n": row["n"], "why": why}
    due = bool(row["due"])
    later = None if due else row["due_at"]
    return [Wait(**about, due=int(due), later=int(not due), next_due_at=later)]


def send_answer(snap: Snapshot, send: Row, suppressed: Sequence[Row]) -> Answer:
    """Pure. A send that has its end says how it ended, and by which rule."""
    name, state = send["send_id"], send["state"]
    if state not in {*OPEN_STATES, "started"}:
        ended = Found(_ended(send, suppressed), ())
        return _answer("send", name, state, replace(snap, moving=()), ended)
    found = binding_of(snap)
    shut = [_suppressed(send, row) for row in suppressed]
    binding = found.binding or (None if moves(snap) else next(iter(shut), None))
    limits = (*found.limits, *shut)
    return _answer("send", name, state, snap, Found(binding, limits, found.waits))


def _ended(send: Row, suppressed: Sequence[Row]) -> Limit:
    state = send["state"]
    evidence = {name: send[name] for name in ("n", "ip", "reason", "code", "enhanced", "ended_at")}
    evidence |= send["fact"] | {"outcome": state}
    about = ("send", send["send_id"], send["provider"])
    if state == Outcome.AMBIGUOUS:
        cure = "`penguin ambiguous resolve`, once evidence tells"
        detail = "the reply to the final dot never came: nobody knows whether it was accepted"
        return Limit("ambiguous", *about, str(OutcomeClass.AMBIGUOUS), evidence, detail, cure)
    if state == Outcome.SUPPRESSED:
        scope, _, why = send["reason"].rpartition(":")
        evidence |= {"scope": scope or "tenant", "still": bool(suppressed)}
        detail = f"its contact must not be mailed: {why}"
        return Limit("suppression", *about, send["reason"], evidence, detail, "lift it, send anew")
    detail = f"it ended as {state}" + (f": {send['reason']}" if send["reason"] else "")
    return Limit("ended", *about, send["reason"] or state, evidence, detail)


def _suppressed(send: Row, row: Row) -> Limit:
    evidence = {name: row[name] for name in ("scope", "target", "reason", "since")}
    return Limit(
        "suppression", row["scope"], row["target"] or send["contact_id"], "", row["reason"],
        evidence, f"its contact must not be mailed ({row['scope']}): it will end as suppressed",
        "lift the suppression",
    )  # fmt: skip
