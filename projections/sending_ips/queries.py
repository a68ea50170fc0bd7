"""The tenant's sending IPs: route, caps and rates that bind, and the use of a day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain.sending_ip import EVERY_PROVIDER
from projections.reads import Bound

SQL = named_sql(Path(__file__).parent / "queries.sql")
Row = dict[str, Any]


async def ips(bound: Bound, day: date) -> list[Row]:
    """All sending IPs of the tenant with their rules and what is used of them on this UTC day."""
    rules = await bound.rows(SQL["rules"])
    use = await bound.rows(SQL["use"], day=day)
    warmups = await bound.rows(SQL["warmups"])
    return [
        ip
        | {
            "rules": [_rule(rule) for rule in rules if rule["ip"] == ip["ip"]],
            "use": [_use(used, rules) for used in use if used["ip"] == ip["ip"]],
            "warmup": [_of(chosen) for chosen in warmups if chosen["ip"] == ip["ip"]],
        }
        for ip in await bound.rows(SQL["ips"])
    ]


def _of(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "ip"}


def _rule(rule: Row) -> Row:
    cap = {"cap_per_day": rule["cap_per_day"], "cap_reason": rule["cap_reason"]}
    rate = {name: rule[name] for name in ("rate_per_s", "burst", "rate_reason")}
    return (
        {"provider": rule["provider"]}
        | (cap if rule["has_cap"] else {})
        | (rate if rule["has_rate"] else {})
    )


def _use(used: Row, rules: list[Row]) -> Row:
    """What is used of the cap that binds this provider: its own, else that of every provider."""
    caps = {
        rule["provider"]: rule["cap_per_day"]
        for rule in rules
        if rule["ip"] == used["ip"] and rule["has_cap"]
    }
    cap = caps.get(used["provider"], caps.get(EVERY_PROVIDER))
    left = None if cap is None else max(0, cap - used["started"] - used["reserved"])
    return {name: used[name] for name in ("provider", "started", "reserved")} | {
        "cap_per_day": cap,
        "headroom": left,
    }
