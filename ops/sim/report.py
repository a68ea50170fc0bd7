"""`make sim`: all controllers side by side on the same receivers, as a report with plots.

python -m ops.sim.report [--seeds 1,2] [--receivers N] [--days D] [--to FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from ops.sim import smtp_form, svg
from ops.sim.course import CONTROLLERS, Course, run
from ops.sim.figures import SEGMENT, Row, medians, row
from ops.sim.traits import Traits, drawn
from ops.sim.variants import VARIANTS

SMTP_RECEIVERS, SMTP_DAYS, SMTP_SCALE = 5, 12, 0.02
KINDS = ("clean", "mediocre", "bad", SEGMENT)
Courses = dict[str, list[Course]]
LIMITS = Path(__file__).with_name("limits.md")


def main() -> None:
    """Write the report and its plots."""
    asked = _asked()
    asked.to.mkdir(parents=True, exist_ok=True)
    parts = [_head(asked)]
    for seed in asked.seeds:
        traits = drawn(asked.receivers, asked.days, seed)
        courses = {name: [run(one, asked.days, name) for one in traits] for name in CONTROLLERS}
        parts += _of_seed(seed, traits, courses)
        if seed == asked.seeds[0]:
            _plot(asked.to, traits, courses)
        print(f"seed {seed} done", flush=True)
    parts += [*_variants(asked), *_over_smtp(), LIMITS.read_text()]
    (asked.to / "report.md").write_text("\n".join(parts))
    print(f"{asked.to / 'report.md'} and its plots are written")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--receivers", default=50, type=int)
    parser.add_argument("--days", default=60, type=int)
    parser.add_argument("--to", default=Path("docs/warmup-report"), type=Path)
    return parser.parse_args()


def _head(asked: argparse.Namespace) -> str:
    return (
        "# Controllers of volume on simulated receivers\n\n"
        f"Written by `make sim`: {asked.receivers} receivers, {asked.days} days, seeds "
        f"{', '.join(map(str, asked.seeds))}. Plots are of seed {asked.seeds[0]}.\n\n"
        "![What is carried, clean lists](ramp-clean.svg)\n\n"
        "![What is carried, with a bad segment](ramp-bad-segment.svg)\n\n"
        "![Share of the oracle's volume by receiver, governor](shares.svg)\n"
    )


# ---- figures


def _of_seed(seed: int, traits: Sequence[Traits], courses: Courses) -> Iterator[str]:
    yield f"## Seed {seed}\n"
    yield (
        "| controller | list | receivers | share of oracle, median | lowest | blocks in all |"
        " most at one | lost of admitted, in all | at worst |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    for name in CONTROLLERS:
        for kind, group in medians(_rows(traits, courses, name)).items():
            yield f"| {name} | {kind} {_cells(group)}"
    yield ""


def _rows(traits: Sequence[Traits], courses: Courses, name: str) -> list[Row]:
    return [row(*one) for one in zip(traits, courses[name], courses["oracle"], strict=True)]


def _cells(group: Row) -> str:
    shares = f"{group['share_of_oracle']:.1%} | {group['share_of_oracle_min']:.1%}"
    lost = f"{group['lost_share_of_all']:.2%} | {group['lost_share_max']:.2%}"
    blocks = f"{group['blocks_of_all']} | {group['blocks_max']}"
    return f"| {group['receivers']} | {shares} | {blocks} | {lost} |"


def _variants(asked: argparse.Namespace) -> Iterator[str]:
    """The same receivers made harder: half as many, first seed."""
    yield "## Harder receivers\n"
    yield (
        "| receivers | controller | clean: share, blocks | mediocre: share, blocks | bad: blocks |"
        " lost of admitted |\n|---|---|---|---|---|---|"
    )
    for name, changed in VARIANTS.items():
        traits = [changed(one) for one in drawn(asked.receivers // 2, asked.days, asked.seeds[0])]
        courses = {
            who: [run(one, asked.days, who) for one in traits]
            for who in ("oracle", "governor", "table")
        }
        for who in ("governor", "table"):
            yield f"| {name} | {who} | {_hard_cells(_rows(traits, courses, who))}"
    yield ""


def _hard_cells(rows: list[Row]) -> str:
    groups = medians(rows)
    lost, admitted = sum(row["lost"] for row in rows), sum(row["admitted"] for row in rows)
    shares = [
        f"{groups[kind]['share_of_oracle']:.0%}, {groups[kind]['blocks_of_all']}"
        for kind in ("clean", "mediocre")
    ]
    bad = groups["bad"]["blocks_of_all"]
    return f"{shares[0]} | {shares[1]} | {bad} | {lost / max(1, lost + admitted):.2%} |"


def _over_smtp() -> Iterator[str]:
    yield "## Over SMTP\n"
    yield (
        f"Receivers of seed 1 with {SMTP_SCALE:.0%} of the mail, {SMTP_DAYS} days: our lane on real"
        " sockets, replies worded as providers word them, judged by `domain/outcomes.py`.\n"
    )
    yield (
        "| receiver | controller | admitted | in process | lost | blocks | replies by class |\n"
        "|---|---|---|---|---|---|---|"
    )
    for traits in drawn(SMTP_RECEIVERS, SMTP_DAYS, 1, SMTP_SCALE):
        for who in ("governor", "threshold"):
            course, classes = asyncio.run(smtp_form.drive(traits, SMTP_DAYS, who))
            fast = run(traits, SMTP_DAYS, who)
            told = ", ".join(f"{name} {count}" for name, count in sorted(classes.items()))
            yield (
                f"| {traits.name} | {who} | {course.admitted} | {fast.admitted} | {course.lost} |"
                f" {course.blocks} | {told} |"
            )
    yield ""


# ---- plots


def _plot(folder: Path, traits: Sequence[Traits], courses: Courses) -> None:
    clean = [at for at, one in enumerate(traits) if one.kind == "clean"]
    segment = [at for at, one in enumerate(traits) if one.segment_days.end]
    for name, group in (("clean", clean), ("bad-segment", segment)):
        series = {who: _ramp([courses[who][at] for at in group]) for who in CONTROLLERS}
        title = f"Median share of a day's demand that is carried: {name} ({len(group)} receivers)"
        (folder / f"ramp-{name}.svg").write_text(svg.lines(title, "day", series))
    rows = _rows(traits, courses, "governor")
    shares = {
        kind: [
            row["share_of_oracle"] for row in rows if row["list"] == kind or row.get(kind) is True
        ]
        for kind in KINDS
    }
    found = {kind: values for kind, values in shares.items() if values}
    (folder / "shares.svg").write_text(svg.dots("Share of the oracle's volume", found))


def _ramp(courses: Sequence[Course]) -> list[float]:
    """By day: the median of what is carried, as a share of that day's demand."""
    by_day = zip(*(zip(one.by_day, one.demand_by_day, strict=True) for one in courses), strict=True)
    return [median(done / max(1, wanted) for done, wanted in day) for day in by_day]


if __name__ == "__main__":
    main()
