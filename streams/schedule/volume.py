"""Which statement folds which decision of volume control, and of daily limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain.event import Event
from domain.governor.events import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    PhaseChanged,
    QuotaSet,
    RateChanged,
)
from domain.mailbox import (
    MailboxCreated,
    MailboxLimitSet,
    MailboxPaused,
    MailboxRemoved,
    MailboxResumed,
)
from domain.reputation.events import ReputationScored
from domain.sending_domain import DomainIpAssigned, DomainIpUnassigned, DomainRemoved
from domain.sending_ip import WarmupPlanChosen

SQL = named_sql(Path(__file__).with_name("volume.sql"))

#: Event type → the statement that folds it, and what it adds to the event's own fields.
STATEMENTS: dict[type[Event], tuple[str, dict[str, Any]]] = {
    WarmupPlanChosen: ("plan", {}),
    QuotaSet: ("quota", {}),
    RateChanged: ("pace", {}),
    BreakerOpened: ("breaker", {"status": "open", "probes": 0}),
    BreakerHalfOpened: ("breaker", {"status": "half", "until": None}),
    BreakerClosed: ("breaker", {"status": "closed", "until": None, "probes": 0}),
    PhaseChanged: ("phase", {}),
    ReputationScored: ("score", {}),
    MailboxCreated: ("mailbox", {}),
    MailboxLimitSet: ("mailbox", {}),
    MailboxPaused: ("mailbox_state", {"may_send": False}),
    MailboxResumed: ("mailbox_state", {"may_send": True}),
    MailboxRemoved: ("mailbox_removed", {}),
    DomainIpAssigned: ("domain_ip", {}),
    DomainIpUnassigned: ("domain_ip_ended", {}),
    DomainRemoved: ("domain_removed", {}),
}
