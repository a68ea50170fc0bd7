"""The simulation can fail: each protection that is taken away is missed within a few seeds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from adapters.kafka_log import LogUnavailable
from streams import sweeping
from streams.dispatching import claim
from streams.dispatching.slice import SliceRun
from streams.releasing import rows
from streams.releasing.bounds import Bounds
from tests.simulation.run import run

pytestmark = pytest.mark.stack
SEEDS_MAX = 150

Mutate = Callable[[pytest.MonkeyPatch], None]


def anybody_claims_anything(patch: pytest.MonkeyPatch) -> None:
    """The claim no longer asks whether somebody else has it."""
    asked = "(r.state = 'released' AND r.lease_until > clock_timestamp()"
    assert asked in claim.SQL["claim"]
    free = claim.SQL["claim"].replace(asked, "(true")
    patch.setitem(claim.SQL, "claim", free)


def the_wire_before_the_log(patch: pytest.MonkeyPatch) -> None:
    """A slice is sent although its start was not acknowledged."""

    async def start(self: Any) -> bool:
        draft = self._started()
        self._sending.dots.begin(self._slice.release.release_id)
        try:
            await self._sending.started_log.append([draft], 5.0)
        except LogUnavailable:
            return True
        return True

    patch.setattr(SliceRun, "_start", start)


def nobody_reads_the_journals(patch: pytest.MonkeyPatch) -> None:
    """What a dead owner left is taken for never attempted."""
    patch.setattr(sweeping, "judge", lambda *_, **__: sweeping._NEVER_DOTTED)


def nobody_sweeps(patch: pytest.MonkeyPatch) -> None:
    """What a killed dispatcher had is nobody's."""
    patch.setattr(sweeping, "_verdicts", lambda *_: {})


def limits_bind_nobody(patch: pytest.MonkeyPatch) -> None:
    """What domains, campaigns and mailboxes may send is not looked at."""

    def room(self: Bounds, campaign_id: str, ip: str, provider: str, n: int = 2) -> float:
        return 0.0 if self.uses(campaign_id, ip, provider, n) is None else float("inf")

    patch.setattr(Bounds, "room", room)
    patch.setattr(Bounds, "shuts", lambda *_: False)
    patch.setattr(Bounds, "most", lambda *_: None)


def breakers_stop_nothing(patch: pytest.MonkeyPatch) -> None:
    """Neither the releaser nor the claim asks for them."""
    patch.setattr(Bounds, "against", lambda *_: [])
    patch.setattr(Bounds, "shuts", lambda *_: False)
    for statements, name in ((claim.SQL, "claim"), (rows.SQL, "withdraw")):
        asked = re.sub(r"pipeline\.breaker_against\([^)]*\)", "NULL::text", statements[name])
        assert asked != statements[name]
        patch.setitem(statements, name, asked)


@pytest.mark.parametrize(
    ("mutate", "missed"),
    [
        (anybody_claims_anything, "twice"),
        (the_wire_before_the_log, "accepted_unstarted"),
        (nobody_reads_the_journals, "twice"),
        (nobody_sweeps, "stranded"),
        (limits_bind_nobody, "limit:"),
        (breakers_stop_nothing, "breaker:"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_pipeline_without_one_of_its_protections_is_found_out(
    world_database: str, monkeypatch: pytest.MonkeyPatch, mutate: Mutate, missed: str
) -> None:
    mutate(monkeypatch)

    assert any(_misses(seed, world_database, missed) for seed in range(1, SEEDS_MAX))


def _misses(seed: int, dsn: str, missed: str) -> bool:
    return any(missed in one for one in run(seed, dsn).wrong)
