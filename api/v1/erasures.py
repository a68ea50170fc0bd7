"""Erasure of people: their data leaves the vault, every list and every answer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from api import shapes_tenant_data as shapes
from api.answers import Json
from api.bodies import Body, IdPath, IdText
from api.commands import erasures
from api.desk import Desk
from api.wiring import PortsDep, at_desk
from domain.refusals import NotFound

router = APIRouter(prefix="/v1/leads", tags=["erasure"])
Eraser = Annotated[Desk, at_desk("contacts:erase")]
MANY = 100


class Several(Body):
    """Whom to erase."""

    contact_ids: Annotated[
        list[IdText],
        Field(min_length=1, max_length=MANY, examples=[["lea_agnhktnyod5u3c7bbk3ktt7c4a"]]),
    ]


@router.post("/{contact_id}/erase", responses=shapes.ERASED)
def erase_lead(contact_id: IdPath, desk: Eraser, ports: PortsDep) -> Json:
    """Erase a person for good. What stays is an id, and the suppression by a keyed hash."""
    decided = erasures.erase(desk, contact_id, ports.clock(), ports.imports.spool)
    found = {"object": "erasure", "contact_id": contact_id, "erased": True}
    return Json(found | {"position": decided.position})


@router.post("/erase", responses=shapes.ERASED_SEVERAL)
def erase_leads(body: Several, desk: Eraser, ports: PortsDep) -> Json:
    """Erase up to 100 people; each has its own answer, and one unknown id stops none of them."""
    data = [_one(desk, contact_id, ports) for contact_id in dict.fromkeys(body.contact_ids)]
    return Json({"object": "list", "data": data, "has_more": False})


def _one(desk: Desk, contact_id: str, ports: PortsDep) -> dict[str, Any]:
    try:
        decided = erasures.erase(desk, contact_id, ports.clock(), ports.imports.spool)
    except NotFound as unknown:
        return _item(contact_id, problem=str(unknown), position=None)
    return _item(contact_id, problem=None, position=decided.position)


def _item(contact_id: str, *, problem: str | None, position: int | None) -> dict[str, Any]:
    erased = problem is None
    return {"contact_id": contact_id, "erased": erased, "problem": problem, "position": position}
