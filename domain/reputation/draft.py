"""One step at work: copies what it changes and gathers the scores that moved."""

from __future__ import annotations

from domain.event import Event
from domain.reputation.state import Owner, State, Track, owner_key, track_key


class Draft:
    """What `step` works on. The State that it began with stays as it is."""

    def __init__(self, state: State) -> None:
        self.now_s = state.now_s
        self.tracks = dict(state.tracks)
        self.owners = dict(state.owners)
        self.touched = set(state.touched)
        self.told: list[Event] = []
        self._own: set[str] = set()  # keys of what this step copied already

    def owner(self, tenant_id: str, kind: str, owner_id: str) -> Owner:
        """An IP's or a domain's record, to change; made when it is new, and its tenant's too."""
        key = owner_key(kind, owner_id)
        if key not in self.owners:
            self._join(tenant_id, kind, owner_id)
        self.touched.add(key)
        return self.owner_at(key)

    def owner_at(self, key: str) -> Owner:
        """A known owner's record, to change."""
        if f"o {key}" not in self._own:
            self._own.add(f"o {key}")
            self.owners[key] = self.owners[key].copied()
        return self.owners[key]

    def track(self, tenant_id: str, kind: str, owner_id: str, provider: str) -> Track:
        """An owner's track towards a provider, to change; made when it is new."""
        self.owner(tenant_id, kind, owner_id)
        owner = owner_key(kind, owner_id)
        key = track_key(owner, provider)
        if key not in self.tracks:
            self.tracks[key] = Track(owner, provider)
        return self.track_at(key)

    def track_at(self, key: str) -> Track:
        """A known track, to change."""
        if f"t {key}" not in self._own:
            self._own.add(f"t {key}")
            self.tracks[key] = self.tracks[key].copied()
        return self.tracks[key]

    def done(self) -> tuple[State, tuple[Event, ...]]:
        """The state that came of it, and what was told."""
        touched = tuple(sorted(self.touched))
        return State(self.now_s, self.tracks, self.owners, touched), tuple(self.told)

    def _join(self, tenant_id: str, kind: str, owner_id: str) -> None:
        tenant = owner_key("tenant", tenant_id)
        self.owners.setdefault(tenant, Owner(tenant_id, "tenant", tenant_id))
        self.owners[owner_key(kind, owner_id)] = Owner(tenant_id, kind, owner_id)
