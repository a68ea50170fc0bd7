"""What an attempt's end says about its sender. Most ends say nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain.governor.inputs import Finding

ABOUT_SENDER = frozenset({"REPUTATION_DEFER", "REPUTATION_BLOCK", "AUTH_FAIL", "CONTENT"})
ABOUT_ADDRESS = frozenset({"INVALID_RECIPIENT", "BAD_DOMAIN", "INACTIVE"})
PERMANENT = 500


@dataclass(slots=True)
class Counted:
    accepted: int = 0
    deferred: int = 0  # for policy or reputation
    blocked: int = 0  # the same, for good
    hard: int = 0

    @property
    def attempts(self) -> int:
        return self.accepted + self.deferred + self.blocked + self.hard


def counted(findings: Iterable[Finding]) -> Counted:
    """Ends by what they say. Without a code a class is taken as the final form of itself."""
    found = Counted()
    for finding in findings:
        kind = _kind(finding)
        if kind:
            setattr(found, kind, getattr(found, kind) + finding.count)
    return found


def _kind(finding: Finding) -> str:
    final = finding.code >= PERMANENT or not finding.code
    if finding.reason == "ACCEPTED":
        return "accepted"
    if finding.reason in ABOUT_SENDER:
        return "blocked" if final and finding.reason != "REPUTATION_DEFER" else "deferred"
    return "hard" if finding.reason in ABOUT_ADDRESS and final else ""
