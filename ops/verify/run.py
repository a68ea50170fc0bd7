"""Reads the log once and proves what was asked for."""

from __future__ import annotations

from pathlib import Path

from ops import log_tail
from ops.errors import Usage
from ops.verify.against_sink import compare
from ops.verify.fold import TOPICS, Campaign, LogFold
from ops.verify.reading import prove
from ops.verify.report import Report
from ops.where import Where


async def run(
    where: Where, *, campaign: str = "", tenant: str = "", sink: Path | None = None
) -> Report:
    """The report over one campaign, one tenant or all. Raises Usage for an unknown campaign."""

    def wanted(found: Campaign) -> bool:
        return campaign in ("", found.campaign_id) and tenant in ("", found.tenant_id)

    fold = LogFold()
    async with log_tail.opened(where.bootstrap, where.prefix, TOPICS) as tail:
        report = await prove(tail, fold, wanted)
    if campaign and campaign not in fold.campaigns:
        raise Usage(f"--campaign {campaign}: the log knows no such campaign")
    if sink:
        compare(fold, sink, report, wanted)
    return report
