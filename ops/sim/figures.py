"""Figures of a comparison: one row per receiver, and medians by kind of list."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from ops.sim.course import Course
from ops.sim.traits import Traits

Row = dict[str, Any]
DIGITS = 4
SEGMENT = "bad_segment"


def row(traits: Traits, course: Course, best: Course) -> Row:
    """What came of one receiver."""
    handed_in = course.admitted + course.lost
    return {
        "name": traits.name,
        "list": traits.kind,
        SEGMENT: bool(traits.segment_days.end),
        "tightens": bool(traits.tight_days.end),
        "provider": traits.provider,
        "demanded": course.demanded,
        "admitted": course.admitted,
        "lost": course.lost,
        "lost_share": round(course.lost / handed_in, DIGITS) if handed_in else 0.0,
        "blocks": course.blocks,
        "oracle_admitted": best.admitted,
        "share_of_oracle": round(course.admitted / best.admitted, DIGITS) if best.admitted else 0.0,
        "share_of_demand": round(course.admitted / course.demanded, DIGITS),
    }


def medians(rows: Sequence[Row]) -> dict[str, Row]:
    """By kind of list, and of those clean ones that had a bad segment."""
    groups = {kind: [row for row in rows if row["list"] == kind] for kind in _kinds(rows)}
    groups[SEGMENT] = [row for row in rows if row[SEGMENT]]
    return {name: _of(group) for name, group in groups.items() if group}


def _kinds(rows: Sequence[Row]) -> list[str]:
    return sorted({row["list"] for row in rows}, key=("clean", "mediocre", "bad").index)


def _of(group: Sequence[Row]) -> Row:
    lost, admitted = sum(row["lost"] for row in group), sum(row["admitted"] for row in group)
    return {
        "receivers": len(group),
        "share_of_oracle": round(median(row["share_of_oracle"] for row in group), DIGITS),
        "share_of_oracle_min": min(row["share_of_oracle"] for row in group),
        "share_of_demand": round(median(row["share_of_demand"] for row in group), DIGITS),
        "lost_share": round(median(row["lost_share"] for row in group), DIGITS),
        "lost_share_max": max(row["lost_share"] for row in group),
        "lost_share_of_all": round(lost / (lost + admitted), DIGITS) if lost + admitted else 0.0,
        "blocks": median(row["blocks"] for row in group),
        "blocks_max": max(row["blocks"] for row in group),
        "blocks_of_all": sum(row["blocks"] for row in group),
    }
