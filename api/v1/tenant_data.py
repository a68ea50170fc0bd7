"""The tenant as a whole: its deletion, with the window in which it can be taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter

from api import shapes_tenant_data as shapes
from api.answers import Json
from api.bodies import Body, Name
from api.commands import tenant_data
from api.desk import Desk
from api.wiring import PortsDep, at_desk

router = APIRouter(prefix="/v1/tenant", tags=["tenant"])
Reader = Annotated[Desk, at_desk("tenant:delete")]
Deleter = Annotated[Desk, at_desk("tenant:delete", fresh=True)]


class Confirmation(Body):
    """The tenant's name, so that nobody deletes another one by mistake."""

    name: Name


@router.delete("", status_code=202, responses=shapes.DELETION_ASKED)
def delete_tenant(body: Confirmation, desk: Deleter, ports: PortsDep) -> Json:
    """Nothing is sent any more; after 90 days everything personal and all keys are destroyed."""
    decided, due_at = tenant_data.request_deletion(desk, body.name, ports.clock())
    return Json(_deletion(due_at) | {"position": decided.position}, status_code=202)


@router.get("/deletion", responses=shapes.DELETION)
def get_deletion(desk: Reader) -> Json:
    """Whether, and from when on, the tenant is destroyed."""
    return Json(_deletion(tenant_data.deletion_due_at(desk)))


@router.post("/deletion/cancel", responses=shapes.DELETION_CANCELLED)
def cancel_deletion(desk: Reader) -> Json:
    """Keep the tenant; it sends again unless it was suspended for another reason."""
    decided = tenant_data.cancel_deletion(desk)
    return Json(_deletion(None) | {"position": decided.position})


def _deletion(due_at: datetime | None) -> dict[str, Any]:
    state = "requested" if due_at else "none"
    return {"object": "deletion", "state": state, "deletion_due_at": due_at}
