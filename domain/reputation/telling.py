"""Takes scores and tells those that moved: by 2 points, into another band, or in or out of view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.reputation import scoring, weights
from domain.reputation.draft import Draft
from domain.reputation.events import ReputationScored
from domain.reputation.scoring import Rated, Score
from domain.reputation.state import Owner, State, Track, owner_key, track_key


def tell(draft: Draft, keys: Sequence[str], at_s: int) -> None:
    """Score these owners with their cells, and the tenant when an IP is among them."""
    found = _Tracks.of(draft.tracks, draft.owners)
    for key in keys:
        owner = draft.owners[key]
        if owner.kind == "tenant":
            continue
        for track in found.tracks.get(key, ()) if owner.kind == "ip" else ():
            _tell_track(draft, track, found.rated[track], at_s)
        _tell_owner(draft, key, found.score(key), at_s)
    for key, owner in sorted(draft.owners.items()):
        if owner.kind == "tenant":
            _tell_owner(draft, key, found.tenant(), at_s)


def score_of(state: State, kind: str, scope_id: str, provider: str = "") -> Score:
    """The score now. `kind`: cell (an IP with a provider), ip, domain or tenant."""
    found = _Tracks.of(state.tracks, state.owners)
    if kind == "tenant":
        return found.tenant()
    key = owner_key("ip" if kind == "cell" else kind, scope_id)
    if kind != "cell":
        return found.score(key)
    rated = found.rated.get(track_key(key, provider))
    return scoring.of_track(rated) if rated else Score(None, (), 0)


@dataclass(frozen=True)
class _Tracks:
    """What each track's signals take, and which tracks an owner has."""

    rated: dict[str, Rated]
    tracks: dict[str, list[str]]

    @classmethod
    def of(cls, tracks: dict[str, Track], owners: dict[str, Owner]) -> _Tracks:
        by_owner: dict[str, list[str]] = {}
        rated = {}
        for key in sorted(tracks):
            track = tracks[key]
            rated[key] = scoring.rated(track, owners[track.owner])
            by_owner.setdefault(track.owner, []).append(key)
        return cls(rated, by_owner)

    def score(self, owner: str) -> Score:
        return scoring.of_owner([self.rated[key] for key in self.tracks.get(owner, ())])

    def tenant(self) -> Score:
        """Of all its IPs' cells."""
        cells = [
            self.rated[key]
            for owner, keys in sorted(self.tracks.items())
            for key in keys
            if owner.startswith("ip:")
        ]
        return scoring.of_owner(cells)


def _tell_track(draft: Draft, key: str, rated: Rated, at_s: int) -> None:
    score, old = scoring.of_track(rated), draft.tracks[key].score
    if _moved(old, score.points):
        track = draft.track_at(key)
        track.score = score.points
        owner = draft.owners[track.owner]
        draft.told.append(_event(owner, "cell", track.provider, (old, score), at_s))


def _tell_owner(draft: Draft, key: str, score: Score, at_s: int) -> None:
    old = draft.owners[key].score
    if _moved(old, score.points):
        owner = draft.owner_at(key)
        owner.score = score.points
        draft.told.append(_event(owner, owner.kind, "", (old, score), at_s))


def _moved(old: int | None, new: int | None) -> bool:
    if old is None or new is None:
        return old is not new
    return abs(new - old) >= weights.TOLD_CHANGE or weights.band(old) != weights.band(new)


def _event(
    owner: Owner, scope: str, provider: str, change: tuple[int | None, Score], at_s: int
) -> ReputationScored:
    old, score = change
    return ReputationScored(
        tenant_id=owner.tenant_id,
        scope=scope,
        scope_id=owner.id,
        provider=provider,
        scored_at=datetime.fromtimestamp(at_s, UTC),
        old=old,
        new=score.points,
        components=list(score.components),
        evidence=score.evidence,
        model=weights.VERSION,
    )
