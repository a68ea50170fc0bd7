"""Importing this module fills the registry with every event type there is."""

from domain import (
    api_key,
    campaign,
    invitation,
    lead_list,
    log_identity,
    membership,
    sending,
    sending_domain,
    sending_ip,
    staff,
    staff_visit,
    suppression,
    template,
    tenant,
    workspace,
)

__all__ = [
    "api_key",
    "campaign",
    "invitation",
    "lead_list",
    "log_identity",
    "membership",
    "sending",
    "sending_domain",
    "sending_ip",
    "staff",
    "staff_visit",
    "suppression",
    "template",
    "tenant",
    "workspace",
]
