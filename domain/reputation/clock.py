"""Lets time go on: a minute's end takes scores, an hour's lets counts fade, a day's closes the day.

Each boundary is passed one by one, so that the way to a moment does not matter.
"""

from __future__ import annotations

from domain.reputation import telling
from domain.reputation.draft import Draft
from domain.reputation.fading import hour_on
from domain.reputation.state import State, Track
from domain.reputation.weights import DAY_H, ENGAGEMENT_DAYS, HOUR_S, MILLION

MINUTE_S = 60


def go_on(draft: Draft, at_s: int) -> None:
    """Up to `at_s`; a clock that went back moves nothing."""
    now_s = max(draft.now_s, at_s)
    if draft.touched and draft.now_s // MINUTE_S < now_s // MINUTE_S:
        telling.tell(draft, sorted(draft.touched), _next(draft.now_s, MINUTE_S))
        draft.touched.clear()
    while draft.owners and draft.now_s // HOUR_S < now_s // HOUR_S:
        draft.now_s = _next(draft.now_s, HOUR_S)
        _hour_on(draft)
    draft.now_s = now_s


def due_s(state: State) -> int | None:
    """When the next boundary is passed that may tell or change something."""
    if state.touched:
        return _next(state.now_s, MINUTE_S)
    return _next(state.now_s, HOUR_S) if state.owners else None


def _next(now_s: int, step_s: int) -> int:
    return (now_s // step_s + 1) * step_s


def _hour_on(draft: Draft) -> None:
    new_day = draft.now_s // HOUR_S % DAY_H == 0
    for key in sorted(draft.tracks):
        track = draft.track_at(key)
        if new_day:
            _close_day(track)
        track.counts = hour_on(track.counts)
    for key in sorted(draft.owners):
        owner = draft.owner_at(key)
        owner.counts = hour_on(owner.counts)
    telling.tell(draft, sorted(draft.owners), draft.now_s)
    if new_day:
        _forget(draft)


def _close_day(track: Track) -> None:
    """A day without mail is none that the next one is compared with."""
    if track.accepted:
        track.days = (*track.days, (track.accepted, track.engaged))[-ENGAGEMENT_DAYS:]
        track.add("reached", track.accepted * MILLION)
        track.accepted_before = track.accepted
    if track.engaged:
        track.add("engaged", track.engaged * MILLION)
    if track.started:
        track.before = track.started
    track.started = track.accepted = track.engaged = 0


def _forget(draft: Draft) -> None:
    """Drop scopes of which nothing is left."""
    idle = [key for key, track in draft.tracks.items() if not track.counts and track.score is None]
    for key in idle:
        del draft.tracks[key]
    used = {track.owner for track in draft.tracks.values()}
    for key in [key for key, owner in draft.owners.items() if owner.empty and key not in used]:
        if draft.owners[key].kind != "tenant":
            del draft.owners[key]
    if len(draft.owners) == 1:  # the tenant alone
        draft.owners = {key: owner for key, owner in draft.owners.items() if not owner.empty}
