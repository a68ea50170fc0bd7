"""`penguin verify`: the proof from the log alone, without Postgres."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops import options
from ops.errors import Usage
from ops.where import Where, find

if TYPE_CHECKING:
    from ops.verify.report import Report

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def verify(
    campaign: Annotated[str, typer.Option(help="only this campaign (its id)")] = "",
    tenant: Annotated[str, typer.Option(help="only this tenant's campaigns (its id)")] = "",
    against_sink: Annotated[
        Path | None,
        typer.Option(help="also compare with what was received: a line a message, as the sink's"),
    ] = None,
    data: options.Data = options.DATA,
    json: options.AsJson = False,
) -> int:
    """Prove from Kafka alone that every requested send has exactly one end or is named as open.

    Also: none accepted twice, none attempted without the log's knowledge, no cap exceeded.
    Kafka must run; Postgres need not. Exit 0 it holds, 1 it does not, 3 no Kafka.
    """
    where = find(options.folder(data), log_only=True)
    report = asyncio.run(_prove(where, campaign, tenant, against_sink))
    if json:
        options.print_json(report.as_json())
    else:
        from ops.verify.told import tell

        tell(report)
    return 0 if report.ok else 1


async def _prove(where: Where, campaign: str, tenant: str, sink: Path | None) -> Report:
    from ops import log_tail
    from ops.verify.fold import TOPICS, Campaign, LogFold
    from ops.verify.reading import prove

    def wanted(found: Campaign) -> bool:
        return campaign in ("", found.campaign_id) and tenant in ("", found.tenant_id)

    fold = LogFold()
    async with log_tail.opened(where.bootstrap, where.prefix, TOPICS) as tail:
        report = await prove(tail, fold, wanted)
    if campaign and campaign not in fold.campaigns:
        raise Usage(f"--campaign {campaign}: the log knows no such campaign")
    if sink:
        from ops.verify.against_sink import compare

        compare(fold, sink, report, wanted)
    return report
