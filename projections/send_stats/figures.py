"""Counters as people read them: the eight of a campaign, what they are made of, and rates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from domain.rates import rates, share

#: Figure → the metrics that add up to it. Sent: reached a receiving server, or may have.
FIGURES: Mapping[str, tuple[str, ...]] = {
    "requested": ("requested",),
    "sent": ("accepted", "hard", "soft", "ambiguous"),
    "delivered": ("accepted",),
    "bounced": ("hard", "soft", "late_bounced"),
    "hard_bounced": ("hard",),
    "soft_bounced": ("soft",),
    "late_bounced": ("late_bounced",),
    "ambiguous": ("ambiguous",),
    "deferred": ("deferred",),  # attempts that were put off
    "suppressed": ("suppressed",),
    "expired": ("expired",),
    "cancelled": ("cancelled",),
    "opened": ("opened",),  # sends; opens: events. Machines' are apart.
    "opens": ("opens",),
    "machine_opens": ("machine_opens",),
    "clicked": ("clicked",),
    "clicks": ("clicks",),
    "machine_clicks": ("machine_clicks",),
    "replied": ("replied",),
    "unsubscribed": ("unsubscribed",),
    "complaints": ("complaints",),
}
#: Those made of one metric, and of several.
_SINGLE = {name: parts[0] for name, parts in FIGURES.items() if len(parts) == 1}
_SUMS = {name: parts for name, parts in FIGURES.items() if len(parts) > 1}
_NONE = dict.fromkeys(FIGURES, 0)
FUNNEL = ("requested", "sent", "delivered", "opened", "clicked", "replied")
Row = dict[str, Any]


def figures(metrics: Mapping[str, int]) -> dict[str, int]:
    """All figures, 0 where nothing happened."""
    found = _NONE.copy()
    for name, metric in _SINGLE.items():
        if metric in metrics:
            found[name] = metrics[metric]
    for name, parts in _SUMS.items():
        found[name] = sum([metrics.get(metric, 0) for metric in parts])
    return found


def told(metrics: Mapping[str, int]) -> Row:
    """Figures with their rates."""
    found = figures(metrics)
    return {"counters": found, "rates": rates(found)}


def by_key(rows: Iterable[Row], key: str = "key") -> dict[Any, dict[str, int]]:
    """Rows (key, metric, sends) → key → metric → sends."""
    found: dict[Any, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row[key], {})[row["metric"]] = row["sends"]
    return found


def added(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum of counters."""
    total: dict[str, int] = {}
    for metrics in several:
        for metric, sends in metrics.items():
            total[metric] = total.get(metric, 0) + sends
    return total


def funnel(found: Mapping[str, int]) -> list[Row]:
    """How many sends came how far, as shares of what was requested and of the stage before."""
    stages: list[Row] = []
    for stage, before in zip(FUNNEL, (FUNNEL[0], *FUNNEL), strict=False):
        sends = found[stage]
        stages.append(
            {
                "stage": stage,
                "sends": sends,
                "of_requested": share(sends, found["requested"]),
                "of_stage_before": share(sends, found[before]),
            }
        )
    return stages


def ranked(groups: Mapping[str, Mapping[str, int]], name: str, limit: int) -> Sequence[Row]:
    """Groups by what was sent, the most first."""
    found = [(key, figures(metrics)) for key, metrics in groups.items() if key]
    found.sort(key=lambda one: (-one[1]["sent"], -one[1]["requested"], one[0]))
    return [{name: key, "counters": one, "rates": rates(one)} for key, one in found[:limit]]


def summed(several: Iterable[Mapping[str, int]]) -> Row:
    """The sum of figures, with its rates."""
    found = figures({}) | added(several)
    return {"counters": found, "rates": rates(found)}
