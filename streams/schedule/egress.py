"""Which statement folds which decision about where mail leaves from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain.campaign_ips import CampaignIpsReplaced
from domain.event import Event
from domain.ip_pool import PoolIpAdded, PoolIpRemoved, PoolRetired
from domain.sending_ip import SendingIpPlaced, SendingIpQuarantined, SendingIpReleased
from domain.vps import VpsActivated, VpsDecommissioned, VpsMaintenanceBegun

SQL = named_sql(Path(__file__).with_name("egress.sql"))

#: Event type → the statement that folds it, and what it adds to the event's own fields.
STATEMENTS: dict[type[Event], tuple[str, dict[str, Any]]] = {
    SendingIpQuarantined: ("quarantine", {"quarantined": True}),
    SendingIpReleased: ("quarantine", {"quarantined": False}),
    SendingIpPlaced: ("placed", {}),
    VpsActivated: ("vps", {"serves": True}),
    VpsMaintenanceBegun: ("vps", {"serves": False}),
    VpsDecommissioned: ("vps", {"serves": False}),
    PoolIpAdded: ("pool_ip", {}),
    PoolIpRemoved: ("pool_ip_removed", {}),
    PoolRetired: ("pool_retired", {}),
    CampaignIpsReplaced: ("campaign_ips", {}),
}
