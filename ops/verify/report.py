"""What a proof says: campaigns with their counts, and violations by kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ops.verify.against_sink import SinkReport
    from ops.verify.against_stores import StoresReport

#: Violations listed of one kind; `Report.kinds` counts all of them.
LISTED_MAX = 100

KINDS = {
    "accepted_twice": "I4: a send was accepted in two attempts",
    "started_twice": "I4: two releases started the same attempt of a send",
    "attempt_before_outcome": "I4: attempt n+1 was started without a definite deferral of n",
    "resent_wrongly": "I4: tried again by policy: bulk mail, what was not ambiguous, or twice",
    "accepted_unstarted": "I5: accepted, but no SliceStarted names the attempt",
    "not_requested": "I5: something happened to a send that no BatchPlanned names",
    "two_ends": "I6: a send has two different ends",
    "open_in_finished": "I6: a finished campaign has a send without an end",
    "counts_differ": "I6: CampaignFinished says other counts than the log",
    "plan_differs": "I6: AudiencePlanned says another total than was planned",
    "planned_twice": "I4: a send was planned in two places",
    "batch_changed": "I4: a batch was planned again with other sends",
    "cap_exceeded": "I7: more was started than the cap of (IP, provider, day) lets",
    "undecodable": "a record of requests or attempts cannot be read",
    "log_incomplete": "a topic that is kept for ever no longer has its beginning",
    "sink_differs": "the receiving side says something else than the log",
    "relay_gap": "I1: a decision of the event store is not in the log, though later ones are",
    "relay_unknown": "I1: the log has a decision that the event store lacks",
    "relay_differs": "I1: event store and log tell another decision at the same position",
    "read_model_differs": "I9: a read model is not what a rebuild from the log gives",
}


@dataclass(frozen=True)
class Violation:
    """One thing that does not hold. `cell` is ip/provider/day where a cap is meant."""

    kind: str
    detail: str
    campaign_id: str = ""
    tenant_id: str = ""
    send_id: str = ""
    cell: str = ""


@dataclass
class CampaignReport:
    """requested = accepted + rejected + suppressed + expired + cancelled + ambiguous + open."""

    campaign_id: str
    tenant_id: str
    requested: int = 0
    accepted: int = 0
    rejected: int = 0
    suppressed: int = 0
    expired: int = 0
    cancelled: int = 0
    ambiguous: int = 0
    open: int = 0
    open_sends: list[dict[str, str]] = field(default_factory=list)  # the first of them, with state
    finished: bool = False


class Violations:
    """Collects violations, listing LISTED_MAX of each kind and counting all."""

    def __init__(self) -> None:
        self.listed: list[Violation] = []
        self.kinds: Counter[str] = Counter()

    def add(self, violation: Violation) -> None:
        self.kinds[violation.kind] += 1
        if self.kinds[violation.kind] <= LISTED_MAX:
            self.listed.append(violation)

    def room(self, kind: str) -> bool:
        """Whether a further one of this kind would be listed."""
        return self.kinds[kind] < LISTED_MAX

    def count(self, kind: str, more: int) -> None:
        """Count violations that are not listed."""
        self.kinds[kind] += more


@dataclass
class Report:
    """The whole answer."""

    campaigns: list[CampaignReport]
    violations: list[Violation]
    kinds: dict[str, int]  # kind → how many, listed or not
    records: int = 0
    sends: int = 0
    elapsed_s: float = 0.0
    sink: SinkReport | None = None  # with --against-sink
    stores: StoresReport | None = None  # with --against-stores

    @property
    def ok(self) -> bool:
        return not self.kinds

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        rate = self.sends / self.elapsed_s if self.elapsed_s else 0.0
        asked = {
            name: asdict(part)
            for name, part in (("sink", self.sink), ("stores", self.stores))
            if part is not None
        }
        return {
            "ok": self.ok,
            "campaigns": [asdict(campaign) for campaign in self.campaigns],
            "violations": [asdict(violation) for violation in self.violations],
            "violations_by_kind": self.kinds,
            "records": self.records,
            "sends": self.sends,
            "elapsed_s": round(self.elapsed_s, 3),
            "sends_per_s": round(rate),
            **asked,
        }
