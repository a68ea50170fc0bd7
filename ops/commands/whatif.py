"""`penguin whatif`: recorded history through another governor; what it would have decided."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None)
LISTED_MAX = 10_000
SHOWN = 40


@app.command()
def whatif(
    governor: Annotated[
        str,
        typer.Option(
            help="who decides instead: a plan (conservative, standard, fast), a version of the"
            " rules, or a JSON file of parameters (`penguin rules parameters` shows them)"
        ),
    ],
    since: Annotated[str, typer.Option(help="from when on: 2026-03-01, or a moment with Z")],
    tenant: Annotated[str, typer.Option(help="only decisions about this tenant (its id)")] = "",
    limit: Annotated[int, typer.Option(min=0, help="list at most so many")] = LISTED_MAX,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Run recorded history through another governor; list the decisions that differ.

    The history runs from its beginning with the recorded rules; from --since on it also runs with
    the other ones. Recorded replies are not those that the counterfactual would have got. Kafka
    must run; Postgres need not. Nothing is written. Exit 2: no such governor, or no such moment.
    """
    from ops import whatif as asked
    from ops.where import find

    other, moment = asked.named(governor), _moment(since)
    where = find(options.folder(data), log_only=True)
    found = asyncio.run(_compare(where, other, moment, tenant))
    told = asked.as_json(found, other, moment, limit)
    if json:
        options.print_json(told)
    else:
        print("\n".join(_lines(told)))
    return 0


async def _compare(where: Any, other: Any, since: datetime, tenant: str) -> Any:
    from adapters.log_spans import KafkaSpans
    from ops.whatif import compare
    from projections.cursors import partitions_of
    from streams.volume.sifting import TOPICS

    places = [(place.topic, place.partition) for place in partitions_of(TOPICS)]
    async with KafkaSpans(where.bootstrap, where.prefix) as spans:
        return await compare(spans, places, other, since, prefix=where.prefix, tenant=tenant)


def _moment(text: str) -> datetime:
    from ops.errors import Usage

    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Usage(f"--since {text}: give a day as 2026-03-01 or a moment with Z") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _lines(told: dict[str, Any]) -> list[str]:
    totals = told["totals"]
    head = (
        f"{told['governor']} since {told['since']}: {totals['differ']} decisions differ in"
        f" {totals['scopes']} scopes, {totals['same']} are the same, over {told['turns']} turns"
    )
    rows = [_line(one) for one in told["differences"][:SHOWN]]
    left = totals["differ"] - len(rows)
    return [head, f"  {told['label']}", *rows, *([f"  and {left} more: --json"] if left else [])]


def _line(one: dict[str, Any]) -> str:
    where = ":".join(filter(None, (one["scope"], one["scope_id"], one["provider"])))
    return (
        f"  {one['at']}  {one['type']:<18} {where}  recorded {_short(one['recorded'])}"
        f"  |  otherwise {_short(one['counterfactual'])}"
    )


def _short(told: dict[str, Any] | None) -> str:
    if told is None:
        return "-"
    named = ("old", "new", "new_per_h", "until", "probes")
    values = [f"{name} {told[name]}" for name in named if told.get(name) is not None]
    return f"{told['rule']} ({', '.join(values)})" if values else str(told["rule"])
