"""The proof for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.verify.report import KINDS, CampaignReport, Report

if TYPE_CHECKING:
    from ops.verify.against_sink import SinkReport
    from ops.verify.against_stores import StoresReport

CAMPAIGNS_SHOWN_MAX = 50
_COLUMNS = (
    ("requested", "accepted", "rejected", "suppressed", "expired", "cancelled", "ambiguous", "open")
)  # fmt: skip


def tell(report: Report) -> None:
    """Print campaigns as a table, violations by kind, and the verdict last."""
    shown = report.campaigns[:CAMPAIGNS_SHOWN_MAX]
    if shown:
        _table(shown)
    if len(report.campaigns) > len(shown):
        print(f"… and {len(report.campaigns) - len(shown)} more campaigns (--json has all)")
    for campaign in shown:
        _open(campaign)
    if report.sink:
        _sink(report.sink)
    if report.stores:
        _stores(report.stores)
    for kind, count in report.kinds.items():
        _violations(report, kind, count)
    rate = report.sends / report.elapsed_s if report.elapsed_s else 0
    print(
        f"{report.records:,} records, {report.sends:,} sends in {report.elapsed_s:.2f} s "
        f"({rate:,.0f} sends/s)"
    )
    print("it holds" if report.ok else f"it does NOT hold: {sum(report.kinds.values())} violations")


def _table(campaigns: list[CampaignReport]) -> None:
    print("campaign".ljust(31) + "".join(f"{name:>11}" for name in _COLUMNS))
    for campaign in campaigns:
        numbers = "".join(f"{getattr(campaign, name):>11,}" for name in _COLUMNS)
        print(f"{campaign.campaign_id:<31}{numbers}  {'finished' * campaign.finished}".rstrip())


def _open(campaign: CampaignReport) -> None:
    if campaign.open:
        named = ", ".join(f"{one['send_id']} ({one['state']})" for one in campaign.open_sends[:3])
        more = f" and {campaign.open - 3:,} more" if campaign.open > 3 else ""  # noqa: PLR2004
        print(f"open in {campaign.campaign_id}: {named}{more}")


def _sink(sink: SinkReport) -> None:
    print(
        f"receiving side: {sink.received:,} messages; {sink.matched:,} sends accepted and received,"
        f" {sink.missing:,} accepted and missing, {sink.unexpected:,} unexpected,"
        f" {sink.duplicated:,} more than once, {sink.unknown:,} messages of no send of the log"
    )
    ambiguous = sink.ambiguous_delivered + sink.ambiguous_not_delivered
    if ambiguous:
        print(f"of {ambiguous:,} ambiguous sends {sink.ambiguous_delivered:,} were delivered")


def _stores(stores: StoresReport) -> None:
    print(
        f"event store: {stores.decisions:,} decisions, {stores.relayed:,} in the log,"
        f" {stores.waiting:,} wait for the relay at position {stores.relay_position:,}"
    )
    for model in stores.read_models:
        verdict = "equals its rebuild" if model["equal"] else "DIFFERS from its rebuild"
        print(f"read model {model['name']}: {model['rows']:,} rows, {verdict}")


def _violations(report: Report, kind: str, count: int) -> None:
    print(f"\n{kind}: {count:,} ({KINDS[kind]})")
    for violation in [each for each in report.violations if each.kind == kind][:10]:
        about = violation.send_id or violation.cell or violation.campaign_id
        print(f"  {about}: {violation.detail}" if about else f"  {violation.detail}")
