"""A tenant's whole data in one file: asked for, made in the background, taken away by an owner."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from starlette.responses import FileResponse

from api import shapes_tenant_data as shapes
from api.answers import Json
from api.bodies import IdPath
from api.commands import tenant_exports
from api.desk import Desk
from api.wiring import PortsDep, at_desk

router = APIRouter(prefix="/v1/tenant/exports", tags=["tenant"])
Reader = Annotated[Desk, at_desk("tenant:export")]
Taker = Annotated[Desk, at_desk("tenant:export", fresh=True)]
MEDIA = "application/zip"
FILE: dict[int | str, dict[str, Any]] = {
    **shapes.TENANT_EXPORT,
    200: {"description": "The archive", "content": {MEDIA: {}}},
}


@router.post("", status_code=202, responses=shapes.TENANT_EXPORT_ASKED)
def export_tenant(desk: Taker, ports: PortsDep) -> Json:
    """Have all of the tenant's data put into one archive (docs/tenant-archive.md).

    Secrets are left out, and listed. One is made at a time, and the newest is kept, for three days
    or until somebody in it is erased.
    """
    found, decided = tenant_exports.request(desk, ports.archives, ports.clock())
    return Json(_told(found) | {"position": decided.position}, status_code=202)


@router.get("", responses=shapes.TENANT_EXPORTS)
def list_tenant_exports(desk: Reader, ports: PortsDep) -> Json:
    """Those that are under way or kept, the newest first."""
    data = [_told(row) for row in tenant_exports.page(desk, ports.clock())]
    return Json({"object": "list", "data": data, "has_more": False})


@router.get("/{export_id}", responses=shapes.TENANT_EXPORT)
def get_tenant_export(export_id: IdPath, desk: Reader) -> Json:
    """How far it is; once it is `done`, what is in it."""
    return Json(_told(tenant_exports.one(desk, export_id)))


@router.get("/{export_id}/download", responses=FILE, response_class=FileResponse)
def download_tenant_export(export_id: IdPath, desk: Taker, ports: PortsDep) -> FileResponse:
    """The archive, a ZIP. Each download is an event in the audit log."""
    path = tenant_exports.give_out(desk, ports.archives, export_id, ports.clock())
    return FileResponse(
        path,
        media_type=MEDIA,
        filename=f"{desk.tenant_id}.zip",
        headers={"cache-control": "no-store"},
    )


def _told(row: dict[str, Any]) -> dict[str, Any]:
    told = row["told"] or {}
    export_id = row["export_id"]
    names = ("state", "phase", "rows_done", "created_at", "expires_at", "made_at", "bytes")
    return (
        {"object": "tenant_export", "export_id": export_id}
        | {name: row[name] for name in names}
        | {"exact": told.get("exact"), "members": told.get("members")}
        | {"enter_anew": told.get("secrets", {}).get("enter_anew")}
        | {"download": f"/v1/tenant/exports/{export_id}/download"}
    )
