"""Reads the log once and proves what was asked for."""

from __future__ import annotations

import time
from pathlib import Path

from ops import log_tail
from ops.errors import Usage
from ops.verify import against_sink
from ops.verify.fold import TOPICS, Campaign, LogFold
from ops.verify.reading import prove
from ops.verify.report import Report
from ops.where import Where


async def run(
    where: Where,
    *,
    campaign: str = "",
    tenant: str = "",
    sink: Path | None = None,
    stores: bool = False,
) -> Report:
    """The report over one campaign, one tenant or all. Raises Usage for an unknown campaign.

    With `stores` Postgres has to run, else it is not asked for anything.
    """

    def wanted(found: Campaign) -> bool:
        return campaign in ("", found.campaign_id) and tenant in ("", found.tenant_id)

    began, fold = time.monotonic(), LogFold(hashed=bool(sink))
    async with log_tail.opened(where.bootstrap, where.prefix, TOPICS) as tail:
        report = await prove(tail, fold, wanted)
    if campaign and campaign not in fold.campaigns:
        raise Usage(f"--campaign {campaign}: the log knows no such campaign")
    if sink:
        against_sink.compare(fold, sink, report, wanted)
        report.elapsed_s = time.monotonic() - began
    if stores:
        from ops.verify import against_stores  # imports what needs Postgres

        await against_stores.compare(where, report, tenant)
    return report
