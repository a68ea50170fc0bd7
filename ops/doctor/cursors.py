"""The doctor's look at both servers together: do their contents belong to each other."""

from __future__ import annotations

from ops.doctor.check import Check, check
from ops.where import Where
from projections import status
from projections.session import Place


async def looks(where: Where) -> list[Check]:
    """Whether every cursor in Postgres is one of this log. Both must answer and be prepared."""
    found = await status.problems(Place(where.dsn, where.bootstrap, where.prefix))
    return [
        check(
            "cursors belong to this log",
            ok=not found,
            found="; ".join(found) or "all of them",
            cure="Kafka or Postgres was restored, or is another one: point at the right one, or see"
            " docs/operations.md, Losses and restores",
        )
    ]
