"""`penguin campaign`: pause, resume, cancel or watch one."""

from __future__ import annotations

from pathlib import Path

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.command()
def pause(
    campaign_id: str, data: options.Data = options.DATA, json: options.AsJson = False
) -> None:
    """Hold what was not claimed yet; what is on the wire ends as it ends."""
    _act("pause", campaign_id, data, as_json=json)


@app.command()
def resume(
    campaign_id: str, data: options.Data = options.DATA, json: options.AsJson = False
) -> None:
    """Go on after a pause."""
    _act("resume", campaign_id, data, as_json=json)


@app.command()
def cancel(
    campaign_id: str, data: options.Data = options.DATA, json: options.AsJson = False
) -> None:
    """End what was not claimed yet as cancelled."""
    _act("cancel", campaign_id, data, as_json=json)


@app.command()
def watch(
    campaign_id: str, data: options.Data = options.DATA, json: options.AsJson = False
) -> None:
    """Show progress until every send has its end, or the rest is held for long."""
    from ops.launching import campaigns, sending
    from ops.launching.desk import open_desk
    from ops.where import find

    with open_desk(find(options.folder(data))) as desk:
        tenant_id = campaigns.tenant_of(desk, campaign_id)
        found = sending.report(*sending.watch(desk.where.dsn, tenant_id, campaign_id))
    _show(found, as_json=json)


def _act(deed: str, campaign_id: str, data: Path, *, as_json: bool) -> None:
    from ops.launching import campaigns, sending
    from ops.launching.desk import open_desk
    from ops.where import find

    with open_desk(find(options.folder(data))) as desk:
        tenant_id = campaigns.act(desk, campaign_id, deed)
        found = sending.report(
            *sending.once_effective(desk.where.dsn, tenant_id, campaign_id, deed)
        )
    _show(found, as_json=as_json)


def _show(found: dict[str, object], *, as_json: bool) -> None:
    from ops.launching.terminal import proof

    if as_json:
        options.print_json(found)
        return
    print(f"campaign   {found['campaign_id']} is {found['state']}")
    print(f"proof      {proof(found)}")
