"""Exports of the ledger as CSV or JSON lines: made, looked at, downloaded until they expire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, Field
from starlette.responses import StreamingResponse

from api import shapes_analytics as shapes
from api.answers import Json
from api.bodies import Body, IdPath, IdText
from api.callers import Caller
from api.commands import exports
from api.desk import Desk
from api.problems import Problem, not_found
from api.v1.sends import STATES
from api.wiring import PortsDep, at_desk, may
from projections.reads import Bound, freshness
from projections.send_ledger import pages

router = APIRouter(prefix="/v1/exports", tags=["exports"])
Writer = Annotated[Desk, at_desk("exports:write")]
Reader = Annotated[Caller, may("exports:read")]
MEDIA = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
_FILE = {"description": "The file", "content": {media: {} for media in MEDIA.values()}}
DOWNLOAD: dict[int | str, dict[str, Any]] = {**shapes.EXPORT, 200: _FILE}


class Asked(Body):
    """Which sends; as the filters of GET /v1/sends."""

    campaign_id: IdText = ""
    contact_id: IdText = ""
    provider: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""
    state: Annotated[str, Field(pattern=f"^({'|'.join(STATES)})?$", examples=["rejected"])] = ""
    ip: IdText = ""
    requested_from: AwareDatetime | None = None
    requested_to: AwareDatetime | None = None


class NewExport(Body):
    """An export. Addresses are joined to it when it is downloaded, for who may see leads."""

    format: Literal["csv", "ndjson"] = "csv"
    filter: Asked = Asked()
    with_addresses: bool = False


@router.post("", status_code=201, responses=shapes.EXPORT_MADE)
def make_export(body: NewExport, desk: Writer, ports: PortsDep) -> Json:
    """Keep a question to the ledger. Its rows are those requested up to now, as they are later."""
    asked = body.filter.model_dump(mode="json", exclude_defaults=True)
    found = exports.make(
        desk, format_=body.format, asked=asked, with_addresses=body.with_addresses,
        now=ports.clock(),
    )  # fmt: skip
    return Json(_told(found), status_code=201)


@router.get("/{export_id}", responses=shapes.EXPORT)
async def get_export(export_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """The export, and how many sends it has now (null where it names a lead)."""
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await _known(bound, export_id, ports)
        wanted = exports.wanted_of(found, caller.workspace_ids)
        sends = None if wanted.contact_id else await pages.count(bound, wanted)
        as_of = await freshness(bound, "send_ledger")
    return Json(_told(found) | {"sends": sends, "as_of": as_of})


@router.get("/{export_id}/download", responses=DOWNLOAD, response_class=StreamingResponse)
async def download_export(export_id: IdPath, caller: Reader, ports: PortsDep) -> StreamingResponse:
    """The file, as it is written. Who was erased has no address in it, whenever it was made."""
    if not caller.may("sends:read"):
        raise Problem("forbidden", "this needs the permission sends:read")
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await _known(bound, export_id, ports)
    if found["with_addresses"] and not caller.may("leads:read"):
        raise Problem("forbidden", "addresses are in it: this needs the permission leads:read")
    pieces = exports.written(ports.reads, caller.tenant_id, found, caller.workspace_ids)
    name = f'attachment; filename="{export_id}.{found["format"]}"'
    headers = {"content-disposition": name}
    return StreamingResponse(pieces, media_type=MEDIA[found["format"]], headers=headers)


async def _known(bound: Bound, export_id: str, ports: Any) -> dict[str, Any]:
    found = await exports.one(bound, export_id)
    if found is None or found["expires_at"] <= ports.clock():
        raise not_found("export")
    return found


def _told(found: dict[str, Any]) -> dict[str, Any]:
    names = ("export_id", "format", "with_addresses", "created_at", "expires_at")
    return (
        {"object": "export"}
        | {name: found[name] for name in names}
        | {"filter": found["wanted"], "download": f"/v1/exports/{found['export_id']}/download"}
    )
