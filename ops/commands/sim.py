"""`penguin sim`: receivers that do not exist, under the governor or another controller."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops import options

if TYPE_CHECKING:
    from domain.governor.parameters import Parameters

app = typer.Typer(add_completion=False, rich_markup_mode=None)
LIMIT_WORK = 1_000_000  # receivers · days: above it a run takes hours


@app.command()
def sim(
    receivers: Annotated[int, typer.Option(min=1, help="how many, each drawn from the seed")] = 50,
    days: Annotated[int, typer.Option(min=1, help="how many days they are mailed")] = 60,
    seed: Annotated[int, typer.Option(help="the same seed gives the same receivers")] = 1,
    controller: Annotated[
        str, typer.Option(help="governor, oracle, table, threshold: who decides what leaves")
    ] = "governor",
    plan: Annotated[
        str, typer.Option(help="the governor's warm-up plan: conservative, standard or fast")
    ] = "standard",
    parameters: Annotated[
        Path | None,
        typer.Option(help="the governor's numbers: a JSON file of what differs from the released"),
    ] = None,
    json: options.AsJson = False,
) -> int:
    """Mail simulated receivers under a controller; tell what it got through beside the oracle.

    The oracle knows what each receiver takes in each hour and sends exactly that. Receivers are
    invented: compare controllers by them, predict no provider. Deterministic for a seed.
    `penguin rules parameters --json` shows the released numbers, as such a file may name them.
    """
    found = _run(receivers, days, seed, controller, plan, parameters)
    if json:
        options.print_json(found)
    else:
        print("\n".join(_lines(found)))
    return 0


def _run(
    receivers: int, days: int, seed: int, controller: str, plan: str, file: Path | None
) -> dict[str, Any]:
    from ops.errors import Usage
    from ops.governor_parameters import read
    from ops.sim.course import CONTROLLERS, compare
    from ops.sim.figures import medians, row
    from ops.sim.traits import drawn

    if controller not in CONTROLLERS:
        raise Usage(f"controller: {controller!r} is unknown; use one of {', '.join(CONTROLLERS)}")
    parameters = read(file)
    if plan not in parameters.plans:
        raise Usage(f"plan: {plan!r} is unknown; use one of {', '.join(parameters.plans)}")
    if file is not None and controller != "governor":
        raise Usage(f"parameters: the {controller} has none; leave them out, or ask the governor")
    if receivers * days > LIMIT_WORK:
        raise Usage(f"receivers x days is above {LIMIT_WORK}; ask for fewer")
    found = compare(drawn(receivers, days, seed), days, controller, plan, parameters)
    rows = [row(*one) for one in found]
    asked = {"receivers": receivers, "days": days, "seed": seed, "controller": controller}
    return {
        "object": "simulation",
        "asked": asked | _governed(controller, plan, file, parameters),
        "receivers": rows,
        "medians": medians(rows),
    }


def _governed(
    controller: str, plan: str, file: Path | None, parameters: Parameters
) -> dict[str, Any]:
    if controller != "governor":
        return {}
    told = {"parameters": str(file), "governor": parameters.version} if file else {}
    return {"plan": plan} | told


def _lines(found: dict[str, Any]) -> list[str]:
    columns = ("name", "list", "demanded", "admitted", "lost", "blocks", "share_of_oracle")
    shape = "{:<24}{:<10}{:>12}{:>12}{:>9}{:>8}{:>9}"
    head = shape.format(*columns[:-1], "oracle%")
    lines = [
        shape.format(*(row[name] for name in columns[:-1]), f"{row['share_of_oracle']:.1%}")
        for row in found["receivers"]
    ]
    ends = [
        f"{name}: {group['receivers']} receivers, median {group['share_of_oracle']:.1%} of the "
        f"oracle, blocks {group['blocks_of_all']} (at most {group['blocks_max']}), "
        f"lost {group['lost_share_of_all']:.2%}"
        for name, group in found["medians"].items()
    ]
    return [head, *lines, "", *ends]
