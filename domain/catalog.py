"""Importing this module fills the registry with every event type there is."""

from domain import (
    campaign,
    lead_list,
    log_identity,
    sending,
    sending_domain,
    sending_ip,
    suppression,
    template,
    tenant,
)

__all__ = [
    "campaign",
    "lead_list",
    "log_identity",
    "sending",
    "sending_domain",
    "sending_ip",
    "suppression",
    "template",
    "tenant",
]
